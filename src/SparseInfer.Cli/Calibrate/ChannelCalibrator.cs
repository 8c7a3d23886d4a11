using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// Thresholds of <c>[InputThreshold]</c> (TEAL, arXiv 2408.14690), one for each input and layer: the quantile of <c>|x|</c> of the dense model on a text. The same share
/// everywhere, or for a target of contribution the largest of each; TEAL takes the quantile from a histogram and, in its better variant, shares that differ. Around a centre (SCAP) it is that of the distance, with column
/// norms (WINA) of the magnitude times the norm of the channel's weights.
/// </summary>
internal sealed class ChannelCalibrator(ChannelOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>More tokens than these move no threshold.</summary>
    private const int Tokens = 1024;

    /// <summary>Shares that a search tells apart.</summary>
    private const int Steps = 64;

    private (double Dense, double Profile)? _perplexities;

    /// <summary>What is left out of each layer's inputs, where layers differ; null: one share is.</summary>
    private double[][]? _shares;

    /// <summary>Calibrates, and writes the profile.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: false);
        if (model.Experts > 0 && options.Inputs.Except(ChannelInput.Usual).FirstOrDefault() is { } ofExperts)
        {
            throw new CliException($"--uses {ofExperts}: {options.File.Path} has experts, whose inputs are read whole; give --uses {string.Join(',', ChannelInput.Usual)}.");
        }

        using ModelFile file = ModelFile.Open(options.File.Path);
        ColumnNorms? norms = options.ColumnNorms ? new(file, options.File.Overrides, model, options.Inputs) : null;
        ChannelMatrices? matrices = options.Target.Kind == TargetKind.Contribution ? new(file, options.File.Overrides, model, options.Inputs, $"--target {options.Target.Text}") : null;
        IReadOnlyList<WindowChannels> seen = new DenseObservation(options, progress, cancellationToken).Run(
            text, model, Tokens, options.Inputs.Sum(input => input.Width(model)), positions => new WindowChannels(model.Layers, options.Inputs, positions));
        (double share, StrengthValue[][] layers) = options.Target.Kind switch
        {
            TargetKind.Skipped => (options.Target.Value, Layers((_, _) => options.Target.Value)),
            TargetKind.Contribution => Bold(matrices!),
            _ => Search(),
        };
        var calibration = new JsonObject
        {
            ["target"] = options.Target.Text,
            ["text"] = Path.GetFileName(options.TextFile),
            ["text_sha256"] = System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            ["window"] = options.Window,
            ["tokens"] = options.Tokens,
        };
        if (options.Centre != ChannelCentre.Zero)
        {
            calibration["centre"] = options.Centre.ToString().ToLowerInvariant();
        }

        if (_shares is { } shares)
        {
            calibration["shares"] = new JsonObject(options.Inputs.Select((input, i) => new KeyValuePair<string, JsonNode?>(
                input.Name, new JsonArray([.. shares.Select(layer => JsonValue.Create(layer[i]))]))));
        }

        if (_perplexities is { } found)
        {
            calibration["share"] = share;
            calibration["perplexity"] = new JsonObject { ["dense"] = ProfileText.Rounded(found.Dense, 5), ["profile"] = ProfileText.Rounded(found.Profile, 5) };
        }

        OutputFile.WriteWhole(options.Output, ProfileText.Of(model, calibration, Policies(layers)), "--output");
        return Summary(share, layers);

        StrengthValue[][] Layers(Func<int, int, double> share)
        {
            var layers = new StrengthValue[model.Layers][];
            for (int layer = 0; layer < layers.Length; layer++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                layers[layer] = [.. options.Inputs.SelectMany((input, i) =>
                    Strengths(input, [.. seen.SelectMany(window => window.Of(layer, i))], NormsOf(layer, input), share(layer, i)))];
            }

            return layers;
        }

        float[]? NormsOf(int layer, ChannelInput input) => input.HasNorms ? norms?.Of(layer, input) : null;

        // Of each layer and input the largest share that keeps the target, to a 64th.
        (double Share, StrengthValue[][] Layers) Bold(ChannelMatrices matrices)
        {
            _shares = new double[model.Layers][];
            for (int layer = 0; layer < model.Layers; layer++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Show("measuring layers", (double)layer / model.Layers);
                int measured = layer;
                _shares[layer] = [.. options.Inputs.Select((input, i) => Share(
                    ChannelContribution.Read(matrices.Of(measured, input), input.Width(model)),
                    [.. seen.SelectMany(window => window.Of(measured, i))],
                    NormsOf(measured, input)))];
            }

            return (_shares.Average(layer => layer.Average()), Layers((layer, input) => _shares[layer][input]));
        }

        // The largest share that keeps the target, to a 64th: each probe is a run of the compiled model.
        (double Share, StrengthValue[][] Layers) Search()
        {
            var probe = new PerplexityProbe(options, progress, cancellationToken);
            double dense = Perplexity(model with { Policies = [] }, SparsityMode.Dense, "evaluating the dense model");
            (double Share, StrengthValue[][] Layers, double Perplexity)? kept = null;
            PerplexityProbe.Largest(Steps - 1, step =>
            {
                double share = (double)step / Steps;
                StrengthValue[][] layers = Layers((_, _) => share);
                var profile = new DeclaredProfile("probe.json", ProfileText.Of(model, new JsonObject(), Policies(layers)));
                string[] policies = NeedsDense ? ["Dense", "InputThreshold"] : [model.HasZeros ? "ExactSparsity" : "Dense", "InputThreshold"];
                double perplexity = Perplexity(model with { Policies = policies, Profile = profile }, SparsityMode.Predicted, FormattableString.Invariant($"evaluating {share:0.0%} skipped"));
                bool keeps = perplexity <= dense * (1 + options.Target.Value);
                kept = keeps ? (share, layers, perplexity) : kept;
                return keeps;
            });

            if (kept is not { } best)
            {
                throw new CliException($"--target {options.Target.Text}: the model loses more with a {Steps}th of the channels skipped; give another target, or fewer --uses.");
            }

            _perplexities = (dense, best.Perplexity);
            return (best.Share, best.Layers);

            double Perplexity(ModelDeclaration declaration, SparsityMode mode, string stage) =>
                probe.Of(declaration, mode, tokenizer => TextWindows.Of(text, options.Windows, tokenizer), count => [.. Enumerable.Range(0, count)], prompt: 0, stage);
        }
    }

    /// <summary>An input's threshold in a layer, and what it is measured from.</summary>
    private IEnumerable<StrengthValue> Strengths(ChannelInput input, float[][] tokens, float[]? norms, double share)
    {
        float centre = CentreOf(tokens);
        yield return new(input.Name, Threshold([.. Scores(tokens, centre, norms).SelectMany(token => token)], share));
        if (centre != 0)
        {
            yield return new(input.CentreName, centre);
        }
    }

    private float CentreOf(float[][] tokens) => options.Centre == ChannelCentre.Zero ? 0 : Centre([.. tokens.SelectMany(token => token)], options.Centre);

    private static float[][] Scores(float[][] tokens, float centre, float[]? norms) =>
        [.. tokens.Select(token => token.Select((value, channel) => (float)(Math.Abs((double)value - centre) * (norms?[channel] ?? 1))).ToArray())];

    /// <summary>The largest share that keeps a target of contribution; 0 leaves out zeros alone.</summary>
    private double Share(ChannelContribution contribution, float[][] tokens, float[]? norms)
    {
        float centre = CentreOf(tokens);
        float[][] scores = Scores(tokens, centre, norms);
        float[] sorted = [.. scores.SelectMany(token => token)];
        Array.Sort(sorted);
        float[] thresholds = [.. Enumerable.Range(0, Steps).Select(step => ThresholdOf(sorted, (double)step / Steps))];
        double[] left = contribution.Of(tokens, scores, centre, thresholds, cancellationToken);
        return (double)Math.Max(0, Array.FindLastIndex(left, value => value >= options.Target.Value)) / Steps;
    }

    /// <summary>What values lie around.</summary>
    /// <param name="values">At least one; they are sorted.</param>
    /// <param name="kind">Their median; or their mode, the middle of the narrowest interval that holds a tenth of them.</param>
    public static float Centre(float[] values, ChannelCentre kind)
    {
        Array.Sort(values);
        if (kind == ChannelCentre.Median)
        {
            return values[values.Length / 2];
        }

        int tenth = Math.Max(1, values.Length / 10);
        int first = 0;
        for (int i = 1; i + tenth <= values.Length; i++)
        {
            first = values[i + tenth - 1] - values[i] < values[first + tenth - 1] - values[first] ? i : first;
        }

        return values[first + (tenth / 2)];
    }

    /// <summary>The magnitude that a share of all does not exceed: such channels are left out.</summary>
    /// <param name="magnitudes">At least one; they are sorted.</param>
    /// <param name="share">0 or more, below 1.</param>
    /// <returns>Above 0: 0 is no threshold, and would keep channels that are zero.</returns>
    public static float Threshold(float[] magnitudes, double share)
    {
        Array.Sort(magnitudes);
        return ThresholdOf(magnitudes, share);
    }

    private static float ThresholdOf(float[] sorted, double share)
    {
        int count = (int)(share * sorted.Length);
        return Math.Max(count == 0 ? 0 : sorted[count - 1], 1e-6f);
    }

    private bool NeedsDense => options.Inputs.Any(input => input.NeedsDense(options.Centre != ChannelCentre.Zero));

    private IEnumerable<JsonObject> Policies(StrengthValue[][] layers)
    {
        if (NeedsDense)
        {
            yield return ProfileText.Policy("Dense", []);
        }

        yield return ProfileText.Policy("InputThreshold", layers.Select((strengths, layer) =>
        {
            JsonObject written = ProfileText.Layer(layer, strengths);
            if (options.ColumnNorms)
            {
                written["values"]!["ColumnNorms"] = true;
            }

            return written;
        }));
    }

    private string Summary(double share, StrengthValue[][] layers)
    {
        var text = new StringBuilder();
        string[] names = [.. options.Inputs.SelectMany(input => options.Centre == ChannelCentre.Zero ? [input.Name] : new[] { input.Name, input.CentreName })];
        text.Append(CultureInfo.InvariantCulture, $"InputThreshold for {options.Target.Text}, on {options.TextFile}.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"| layer | {string.Join(" | ", names)} |\n|---:|{string.Concat(names.Select(_ => "---:|"))}\n");
        for (int layer = 0; layer < layers.Length; layer++)
        {
            IEnumerable<string> thresholds = names.Select(name => layers[layer].FirstOrDefault(strength => strength.Name == name).Value.ToString("R", CultureInfo.InvariantCulture));
            text.Append(CultureInfo.InvariantCulture, $"| {layer} | {string.Join(" | ", thresholds)} |\n");
        }

        if (_shares is { } shares)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{share:0.0%} of the channels are skipped: of {string.Join(", ", options.Inputs.Select((input, i) => $"{input.Name} {string.Join(' ', shares.Select(layer => Percent(layer[i])))}"))}.\n");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{share:0.0%} of each input's channels are skipped.\n");
        }

        if (_perplexities is { } found)
        {
            text.Append(CultureInfo.InvariantCulture, $"Perplexity on this text: {found.Profile:0.0000}, dense {found.Dense:0.0000} ({(found.Profile / found.Dense) - 1:+0.00%;-0.00%}).\n");
        }

        static string Percent(double share) => share.ToString("0%", CultureInfo.InvariantCulture);

        string name = Path.GetFileName(options.Output);
        string dense = NeedsDense ? "[Dense] and " : "";
        text.Append(CultureInfo.InvariantCulture, $"\nIn the project: <AdditionalFiles Include=\"{name}\" />. On the class: [SparsityProfile(\"{name}\")], {dense}[InputThreshold].\n");
        return text.ToString();
    }
}
