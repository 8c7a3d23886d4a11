using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate.Svd;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// Makes the matrices of <c>[VocabularyPredictor]</c> of a model that has none: a truncated SVD of the head, least wrong on what the head reads on a text. Says with
/// which thresholds the dense model's likeliest word stays a candidate.
/// </summary>
internal sealed class VocabularyCalibrator(PredictorOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>Shares of the tokens whose likeliest word is to stay.</summary>
    private static readonly double[] Kept = [0.99, 0.999, 1];

    /// <summary>Makes the file.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: false);
        int most = Math.Min(model.Hidden, model.Vocabulary);
        if (options.Rank > most)
        {
            throw new CliException($"--rank {options.Rank}: the head of {options.File.Path} has ranks of 1 to {most}.");
        }

        float[] head = ReadHead(model);
        float[][] inputs =
        [
            .. new DenseObservation(options, progress, cancellationToken).Run(
                text, model, 2L * PredictorCalibrator.TokensOfInput * model.Hidden, model.Hidden, positions => new WindowFinals(positions), withLogits: true).SelectMany(window => window.Inputs),
        ];

        // Every second token, so that both halves are of the whole text.
        progress.Show("making the matrices");
        var factors = WhitenedSvd.Of(head, [.. inputs.Where((_, i) => i % 2 == 0).SelectMany(input => input)], model.Hidden, options.Rank);
        float[] first = [.. factors.First.Select(value => (float)value)];
        float[] second = [.. factors.Second.Select(value => (float)value)];
        cancellationToken.ThrowIfCancellationRequested();
        float[][] judged = [.. inputs.Where((_, i) => i % 2 == 1)];
        float[][] scores = [.. judged.Select(_ => new float[model.Vocabulary])];
        float[] likeliest = new float[judged.Length];
        Parallel.For(0, judged.Length, token => likeliest[token] = Score(head, first, second, judged[token], scores[token]));
        var output = new PredictorFile();
        output.AddVocabulary(first, second, options.Rank);
        output.Write(options.Output, cancellationToken);
        return Summary(scores, likeliest);
    }

    /// <summary>Scores of all words, and that of the word with the largest logit.</summary>
    private float Score(float[] head, float[] first, float[] second, float[] input, float[] scores)
    {
        float[] factors = new float[options.Rank];
        for (int i = 0; i < factors.Length; i++)
        {
            factors[i] = Lanes.Dot(first.AsSpan(i * input.Length, input.Length), input);
        }

        (int best, float largest) = (0, float.NegativeInfinity);
        for (int word = 0; word < scores.Length; word++)
        {
            scores[word] = Lanes.Dot(second.AsSpan(word * factors.Length, factors.Length), factors);
            float logit = Lanes.Dot(head.AsSpan(word * input.Length, input.Length), input);
            (best, largest) = logit > largest ? (word, logit) : (best, largest);
        }

        return scores[best];
    }

    private float[] ReadHead(ModelDeclaration model)
    {
        using ModelFile file = ModelFile.Open(options.File.Path);
        string name = FileDeclaration.HeadName(file, options.File.Overrides, model);
        if (!file.TryGetTensor(name, out TensorInfo? head))
        {
            throw new CliException($"{file.Path} has no tensor '{name}': calibrate from the file that it was prepared or converted from.");
        }

        return head.Weight is null
            ? throw new CliException($"tensor '{name}' is {head.Type}, which is not read here: quantize to one of {string.Join(", ", Enum.GetNames<WeightType>())}.")
            : head.Shape is not [var rows, var columns] || rows != model.Vocabulary || columns != model.Hidden
            ? throw new CliException($"tensor '{name}' is {string.Join(" x ", head.Shape)}, and {model.Vocabulary} x {model.Hidden} is declared.")
            : PolicyTensors.Values(head);
    }

    private string Summary(float[][] scores, float[] likeliest)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"VocabularyPredictor(Rank = {options.Rank}) on {options.TextFile}, {scores.Length} tokens.\n\n");
        text.Append("| threshold | likeliest word kept | words kept |\n|---:|---:|---:|\n");
        float[] sorted = [.. likeliest.Order()];
        foreach (double share in Kept)
        {
            // A word is kept iff its score is above: below the lowest of those that shall be.
            float threshold = MathF.BitDecrement(sorted[(int)Math.Floor((1 - share) * sorted.Length)]);
            double words = scores.Average(token => (double)token.Count(score => score > threshold) / token.Length);
            double kept = (double)likeliest.Count(score => score > threshold) / likeliest.Length;
            text.Append(CultureInfo.InvariantCulture, $"| {threshold} | {kept:0.00%} | {words:0.0%} |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\nOn the class: [VocabularyPredictor(Rank = {options.Rank}, Threshold = ...f)]. When it is loaded: LoadOptions.PredictorFile = ");
        return text.Append(SymbolDisplay.FormatLiteral(options.Output, quote: true)).Append(".\n").ToString();
    }

    /// <summary>Keeps what the head reads of some tokens of a window.</summary>
    /// <param name="positions">Which tokens, ascending.</param>
    private sealed class WindowFinals(int[] positions) : IActivationObserver
    {
        public List<float[]> Inputs { get; } = [];

        public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
        {
            if (activation == ObservedActivation.Final && Array.BinarySearch(positions, position) >= 0)
            {
                Inputs.Add(values.ToArray());
            }
        }
    }
}
