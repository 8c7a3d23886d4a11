namespace SparseInfer.Cli.Bench;

/// <summary>
/// One test: what was run, and what was measured. The properties' names, in snake case, are those of the output; llama-bench's where it
/// has one. Null: does not apply.
/// </summary>
internal sealed record BenchRun
{
    public string Backends { get; } = "CPU";

    public required string CpuInfo { get; init; }

    public string GpuInfo { get; } = "";

    /// <summary>The file; for synthetic weights a name that is no path.</summary>
    public required string ModelFilename { get; init; }

    /// <summary>Shape, layers and weight types, for people; says so where the weights are synthetic.</summary>
    public required string ModelType { get; init; }

    /// <summary>Bytes of all tensors.</summary>
    public required long ModelSize { get; init; }

    public required long ModelNParams { get; init; }

    /// <summary>What the key-value cache stores keys in.</summary>
    public required string TypeK { get; init; }

    /// <summary>What the key-value cache stores values in: the same.</summary>
    public string TypeV => TypeK;

    public required int NThreads { get; init; }

    public required int NPrompt { get; init; }

    public required int NGen { get; init; }

    public required int NDepth { get; init; }

    /// <summary>Sessions that generated together: rates are of all of them.</summary>
    public int NSessions { get; init; } = 1;

    /// <summary>When the test began, UTC.</summary>
    public required DateTime TestTime { get; init; }

    public required string Mode { get; init; }

    /// <summary>The declared policies, as attributes; empty: none.</summary>
    public required string Policy { get; init; }

    public required string WeightType { get; init; }

    public required bool Synthetic { get; init; }

    /// <summary>What the published model of a synthetic shape has and the measured one has not.</summary>
    public string? Differs { get; init; }

    public required long AvgNs { get; init; }

    public required long StddevNs { get; init; }

    public required long MedianNs { get; init; }

    public required double AvgTs { get; init; }

    public required double StddevTs { get; init; }

    public required double MedianTs { get; init; }

    /// <summary>Of <see cref="MedianTs"/>, a session's share.</summary>
    public required double SessionTs { get; init; }

    /// <summary>Share of neurons that any of several sessions' tokens needed.</summary>
    public double? UnionShare { get; init; }

    /// <summary>How many times as fast as dense in the same repetitions, by the medians.</summary>
    public double? OfDense { get; init; }

    /// <summary>What that can be at most at <see cref="SparsityTrue"/>, if bytes are all that a token takes and predicting is free.</summary>
    public double? OfDenseBound { get; init; }

    public required IReadOnlyList<long> SamplesNs { get; init; }

    public required IReadOnlyList<double> SamplesTs { get; init; }

    /// <summary>Share of neurons that were inactive, as the meters counted.</summary>
    public double? SparsityTrue { get; init; }

    /// <summary>Share of neurons that the predictor skipped.</summary>
    public double? SparsityPredicted { get; init; }

    public double? Precision { get; init; }

    public double? Recall { get; init; }

    /// <summary>Bytes that a generated token reads.</summary>
    public double? BytesPerToken { get; init; }

    /// <summary>Those bytes over the median time.</summary>
    public double? GbPerS { get; init; }

    /// <summary>What reading memory reached, measured between these repetitions; the median.</summary>
    public required double ProbeGbPerS { get; init; }

    /// <summary><see cref="GbPerS"/> of <see cref="ProbeGbPerS"/>.</summary>
    public double? BandwidthShare { get; init; }

    public required double FmaPeakGflops { get; init; }

    /// <summary>A prompt's operations in matrices, over the median time, of <see cref="FmaPeakGflops"/>.</summary>
    public double? FlopsShare { get; init; }

    /// <summary>All layers' feed-forwards, from the norm before to the barrier after; of runs of their own.</summary>
    public double? FfnNsPerToken { get; init; }

    public double? PredictorNsPerToken { get; init; }

    public double? AllocatedBytesPerToken { get; init; }

    public required double LoadSeconds { get; init; }

    public required long ResidentBytes { get; init; }

    /// <summary>The test's name in llama-bench: pp512, tg128, tg128 @ d1024; and how many sessions together: tg128 x8.</summary>
    public string Test => (NPrompt > 0 ? $"pp{NPrompt}" : $"tg{NGen}") + (NSessions > 1 ? $" x{NSessions}" : "") + (NDepth > 0 ? $" @ d{NDepth}" : "");
}
