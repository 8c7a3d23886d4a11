namespace SparseInfer.Cli.Calibrate;

/// <summary>What <c>sparseinfer calibrate</c> was asked for: a profile of a policy of neurons. Half of the tokens is looked at, the other half is for perplexity.</summary>
internal sealed record CalibrateOptions : ObservationOptions
{
    public required ScoredPolicy Policy { get; init; }

    public required CalibrationTarget Target { get; init; }

    /// <summary>Chooses which windows are looked at, and which of their tokens.</summary>
    public ulong Seed { get; init; } = 1;
}
