using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate.Svd;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>Looks at the dense model on a text, and makes of each layer what a policy wants of a file: matrices, or a number for each neuron.</summary>
internal sealed class PredictorCalibrator(PredictorOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>Tokens that are looked at for each input of a layer: fewer do not tell one direction from another, more move little.</summary>
    public const int TokensOfInput = 16;

    /// <summary>Makes the file.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = Declare();
        IReadOnlyList<WindowSamples> seen = new DenseObservation(options, progress, cancellationToken).Run(
            text, model, 2L * TokensOfInput * model.Hidden * Experts(model) / Math.Max(1, model.ActiveExperts), model.Hidden + DenseObservation.Neurons(model),
            positions => new WindowSamples(model.Layers, positions));
        List<TokenSample>[] samples = [.. Enumerable.Range(0, model.Layers).Select(layer => seen.SelectMany(window => window.Samples[layer]).ToList())];
        var output = new PredictorFile();
        var summary = new StringBuilder();
        summary.Append(CultureInfo.InvariantCulture, $"{Attribute} on {options.TextFile}, {samples[0].Count} tokens.\n\n| layer | zero | skipped |\n|---:|---:|---:|\n");
        using (var file = ModelFile.Open(options.File.Path))
        {
            for (int layer = 0; layer < model.Layers; layer++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Show("making layers", (double)layer / model.Layers);
                double zero = samples[layer].Average(token => (double)token.Neurons.Count(value => value == 0) / token.Neurons.Length);
                double skipped = 0;
                for (int expert = 0; expert < Experts(model); expert++)
                {
                    LayerWeights weights = LayerWeights.Read(
                        file, options.File.Overrides, model, layer, expert, withUp: options.Kind == PredictorKind.NeuronThresholds && model.Gated);
                    List<TokenSample> ofExpert = [.. samples[layer].SelectMany(token => Of(token, expert))];
                    int? number = model.Experts > 0 ? expert : null;
                    skipped += ofExpert.Count * (options.Kind == PredictorKind.TruncatedSvd
                        ? AddSvd(output, model, layer, number, weights, ofExpert)
                        : AddThresholds(output, model, layer, number, weights, ofExpert));
                }

                summary.Append(CultureInfo.InvariantCulture, $"| {layer} | {zero:0.0%} | {skipped / samples[layer].Sum(token => token.Experts.Length):0.0%} |\n");
            }
        }

        output.Write(options.Output, cancellationToken);
        summary.Append(CultureInfo.InvariantCulture, $"\nOn the class: [{Attribute}]. When it is loaded: LoadOptions.PredictorFile = {SymbolDisplay.FormatLiteral(options.Output, quote: true)}.\n");
        return summary.ToString();
    }

    private static int Experts(ModelDeclaration model) => Math.Max(1, model.Experts);

    /// <summary>A token as an expert met it; nothing: it did not.</summary>
    private static IEnumerable<TokenSample> Of(TokenSample token, int expert)
    {
        int place = Array.IndexOf(token.Experts, expert);
        return place < 0 ? [] : [new(token.Input, token.NeuronsOf(place).ToArray(), token.ResidualNorm)];
    }

    private string Attribute => options.Kind == PredictorKind.TruncatedSvd
        ? FormattableString.Invariant($"TruncatedSvdPredictor(Rank = {options.Rank})")
        : "ActivationThreshold(PerNeuron = true)";

    private ModelDeclaration Declare()
    {
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: true);
        int most = Math.Min(model.Hidden, model.Intermediate);
        return options.Kind != PredictorKind.TruncatedSvd || (options.Rank >= 1 && options.Rank <= most)
            ? model
            : throw new CliException($"--rank {options.Rank}: the gate of {options.File.Path} has ranks of 1 to {most}.");
    }

    private double AddSvd(PredictorFile output, ModelDeclaration model, int layer, int? expert, LayerWeights weights, List<TokenSample> samples)
    {
        if (samples.Count < 2)
        {
            // An expert that no token had: scores of 0, which are not below the threshold, skip nothing.
            output.Add(layer, new(new float[options.Rank * model.Hidden], new float[model.Intermediate * options.Rank], new float[model.Intermediate], 0), options.Rank, expert);
            return 0;
        }

        // Every second token, so that both halves are of the whole text.
        TokenSample[] ofFactors = [.. samples.Where((_, i) => i % 2 == 0)];
        TokenSample[] ofThresholds = [.. samples.Where((_, i) => i % 2 == 1)];
        var layerSamples = new SvdSamples
        {
            Gate = weights.First,
            DownNorms = [.. Enumerable.Range(0, model.Intermediate).Select(neuron => Lanes.Norm(weights.Down.AsSpan(neuron * model.Hidden, model.Hidden)))],
            FactorInputs = [.. ofFactors.SelectMany(token => token.Input)],
            ThresholdInputs = [.. ofThresholds.SelectMany(token => token.Input)],
            ThresholdActivations = [.. ofThresholds.SelectMany(token => token.Neurons)],
        };
        double share = !model.HasZeros ? options.Share ?? 0.5
            : Math.Max(0, (options.Share ?? 0.9) - (layer < 2 ? 0.1 : 0)) * layerSamples.Sparsity;
        var predictor = SvdPredictor.Make(layerSamples, options.Rank, share);
        output.Add(layer, predictor, options.Rank, expert);
        return predictor.Skipped;
    }

    private double AddThresholds(PredictorFile output, ModelDeclaration model, int layer, int? expert, LayerWeights weights, List<TokenSample> samples)
    {
        if (samples.Count == 0)
        {
            output.Add(layer, new float[model.Intermediate], expert); // no token had it: what is not zero goes on
            return 0;
        }

        float[] activations = new float[samples.Count * model.Intermediate];
        float[]? factors = model.Gated ? new float[activations.Length] : null;
        Parallel.For(0, samples.Count, token =>
        {
            ReadOnlySpan<float> input = samples[token].Input;
            for (int neuron = 0; neuron < model.Intermediate; neuron++)
            {
                int place = (token * model.Intermediate) + neuron;
                activations[place] = Activate(model, Lanes.Dot(weights.First.AsSpan(neuron * model.Hidden, model.Hidden), input) + (weights.FirstBias?[neuron] ?? 0));
                if (factors is not null)
                {
                    float up = Lanes.Dot(weights.Up.AsSpan(neuron * model.Hidden, model.Hidden), input) + (weights.UpBias?[neuron] ?? 0);
                    factors[place] = model.Activation == Activation.DRelu ? Math.Max(0, up) : up;
                }
            }
        });
        float[] thresholds = NeuronThresholds.Find(activations, factors, model.Intermediate, options.Share ?? 0.5);
        output.Add(layer, thresholds, expert);
        return (double)activations.Where((activation, i) => Math.Abs(activation) <= thresholds[i % model.Intermediate]).Count() / activations.Length;
    }

    private static float Activate(ModelDeclaration model, float x) => model.Activation switch
    {
        Activation.Silu => x / (1 + MathF.Exp(-x)),
        Activation.Gelu => x / (1 + MathF.Exp(-1.5957691216057308f * (x + (0.044715f * x * x * x)))),
        Activation.SquaredRelu => x > 0 ? x * x : 0,
        Activation.FatRelu => x > model.Threshold ? x : 0,
        _ => Math.Max(0, x),
    };
}
