namespace SparseInfer.Cli.Calibrate;

/// <summary>What shares of heads are found for: a profile of <c>[HeadSparsity]</c>.</summary>
internal sealed record HeadOptions : ObservationOptions
{
    /// <summary>How much perplexity may rise.</summary>
    public required CalibrationTarget Target { get; init; }
}
