using System.Text.Json.Serialization;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Eval;

/// <summary>What was evaluated, and how. Properties' names, in snake case, are those of the output.</summary>
/// <param name="CpuInfo">The processor.</param>
/// <param name="ModelFilename">The file.</param>
/// <param name="TextFilename">The text; null: there is none.</param>
/// <param name="Tokens">Tokens that were judged.</param>
/// <param name="Window">Tokens of a window.</param>
/// <param name="ChoicesFilename">The questions; null: there are none.</param>
/// <param name="Questions">How many were asked.</param>
/// <param name="Runs">The dense model first.</param>
internal sealed record Evaluation(
    string CpuInfo, string ModelFilename, string? TextFilename, int Tokens, int Window, string? ChoicesFilename, int Questions, IReadOnlyList<EvaluationRun> Runs)
{
    /// <summary>Tokens that each window began with, which were computed as a prompt and not judged.</summary>
    public int Prompt { get; init; }

    /// <summary>The share above dense perplexity that was asked for; null: none was.</summary>
    public double? Ppl { get; init; }

    /// <summary>What each family of policies reaches within <see cref="Ppl"/>.</summary>
    public IReadOnlyList<PplSparsity>? PplSparsity => Ppl is { } share ? Eval.PplSparsity.Of(Runs, share) : null;
}

/// <summary>A policy on a text, on questions, or on both. Shares are means over layers, counted on the text where there is one.</summary>
internal sealed record EvaluationRun
{
    /// <summary>The attributes as a user writes them; <c>Dense</c>.</summary>
    public required string Policy { get; init; }

    /// <summary>The attributes' names: policies that differ in strengths have them in common.</summary>
    [JsonIgnore]
    public string Family => string.Join(" + ", PolicyText.Parse(Policy).Select(attribute => attribute.Split('(')[0]).Distinct());

    /// <summary>Of the text; like all that compares predictions, null without one.</summary>
    public double? Perplexity { get; init; }

    /// <summary>Perplexity over the dense model's.</summary>
    public double? PerplexityOfDense { get; init; }

    /// <summary>Kullback-Leibler divergence from the dense model, a token's mean, in nats.</summary>
    public double? KlDivergence { get; init; }

    /// <summary>Share of tokens where the most probable one is the dense model's.</summary>
    public double? Top1Agreement { get; init; }

    /// <summary>Share of questions whose right choice is the likeliest.</summary>
    public double? Acc { get; init; }

    /// <summary>The same by log-likelihood a byte of the choice.</summary>
    public double? AccNorm { get; init; }

    /// <summary>Share of the text's tokens that got no logit: perplexity is that of the others.</summary>
    public double RuledOut { get; init; }

    /// <summary>What the dense model gives to words without a logit, a token's mean: the divergence is that among the others.</summary>
    public double RuledOutMass { get; init; }

    /// <summary>Bytes of feed-forward weights and predictor data that a token touches.</summary>
    public double FfnBytesPerToken => Layers.Sum(layer => layer.BytesPerToken);

    /// <summary>Of what the dense model touches.</summary>
    public required double FfnBytesOfDense { get; init; }

    /// <summary>Bytes of all weights, attention's and the head's too, and of predictor data that a token reads, as <c>bench</c> counts them without its key-value cache.</summary>
    public required double BytesPerToken { get; init; }

    /// <summary>Of what the dense model reads.</summary>
    public required double BytesOfDense { get; init; }

    /// <summary>Tokens decoded in a second, one by one; null: none were timed. The dense model's are those of the first policy's rounds.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Of the same model in Dense mode, measured in turns with the policy.</summary>
    public double? SpeedOfDense { get; init; }

    public double SparsityTrue => Layers.Average(layer => layer.SparsityTrue);

    public double SparsityPredicted => Layers.Average(layer => layer.SparsityPredicted);

    public double WrongSkips => Layers.Average(layer => layer.WrongSkips);

    /// <summary>Share of heads that tokens did not attend with, of layers where a policy chooses among them; null: none does.</summary>
    public double? SkippedHeads => Layers.Average(layer => layer.SkippedHeads);

    /// <summary>Mean of the layers' <see cref="EvaluationLayer.ContributionError"/>; null: there is no text.</summary>
    public double? ContributionError => Layers.Average(layer => layer.ContributionError);

    /// <summary>Share of input channels that were skipped, of layers where a policy looks at them; null: none does.</summary>
    public double? SkippedInputs => Layers.Average(layer => layer.SkippedInputs);

    public required IReadOnlyList<EvaluationLayer> Layers { get; init; }
}

/// <summary>A layer's feed-forward.</summary>
/// <param name="Layer">Which.</param>
/// <param name="SparsityTrue">Share of neurons whose activation is zero, or below a declared threshold.</param>
/// <param name="SparsityPredicted">Share that was skipped unread.</param>
/// <param name="Precision">Of those, the share that is inactive; null: none was predicted.</param>
/// <param name="Recall">Of the inactive ones, the share that was predicted; null: none was predicted.</param>
/// <param name="WrongSkips">Share of all neurons that was skipped and is active.</param>
/// <param name="BytesPerToken">As <see cref="EvaluationRun.FfnBytesPerToken"/>.</param>
internal sealed record EvaluationLayer(
    int Layer, double SparsityTrue, double SparsityPredicted, double? Precision, double? Recall, double WrongSkips, double BytesPerToken)
{
    /// <summary>Share of heads that tokens did not attend with; null: no policy chooses among them.</summary>
    public double? SkippedHeads { get; init; }

    /// <summary>norm(y - y_sparse) / norm(residual) of what its feed-forward adds, a token's mean: see <see cref="Eval.ContributionError"/>; null: there is no text.</summary>
    public double? ContributionError { get; init; }

    /// <summary>Share of input channels that were skipped, of the inputs that a policy looks at; null: it looks at none.</summary>
    public double? SkippedInputs { get; init; }

    /// <summary>Bytes of attention's projections that a token leaves out by that; null likewise.</summary>
    public double? SkippedProjectionBytesPerToken { get; init; }

    public static EvaluationLayer Of(LayerMetrics metrics) => new(
        metrics.Layer,
        metrics.ActualSparsity,
        metrics.PredictedSparsity,
        Known(metrics.Precision),
        Known(metrics.Recall),
        metrics.PredictedSparsity * (1 - (Known(metrics.Precision) ?? 1)),
        metrics.BytesPerToken)
    {
        SkippedHeads = Known(metrics.SkippedHeads),
        SkippedInputs = Known(metrics.SkippedInputs),
        SkippedProjectionBytesPerToken = Known(metrics.SkippedProjectionBytesPerToken),
    };

    private static double? Known(double share) => double.IsNaN(share) ? null : share;
}
