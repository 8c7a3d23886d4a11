using BenchmarkDotNet.Attributes;

namespace SparseInfer.Benchmarks;

/// <summary>What the feed-forward benchmarks have in common: one thread, one token at a time, nine neurons of ten inactive.</summary>
[GigabytesPerSecond]
public abstract class FeedForwardBenchmarkBase : IReadsWeights
{
    private Comparison _comparison = null!;
    private Variant[] _variants = [];

    /// <summary>2048 has 5632 neurons, 4096 has 11008.</summary>
    [Params(2048, 4096)]
    public int Hidden { get; set; }

    /// <summary>By name: BenchmarkDotNet's generated code sees the enumeration twice, in the generator too.</summary>
    [Params("F16", "Q8_0", "Q4_0")]
    public string Weights { get; set; } = "";

    private protected WeightType Type => Enum.Parse<WeightType>(Weights);

    [GlobalSetup]
    public void Setup()
    {
        _comparison = Compare();
        _variants = [.. _comparison.Variants.Where(Measured)];
    }

    [GlobalCleanup]
    public void Cleanup() => _comparison.Dispose();

    double IReadsWeights.BytesRead(string method) => BytesRead(method);

    private protected abstract Comparison Compare();

    private protected abstract double BytesRead(string method);

    private protected virtual bool Measured(Variant variant) => true;

    /// <summary>One token.</summary>
    /// <param name="variant">Which of the measured variants.</param>
    protected void Run(int variant) => _variants[variant].Step();
}

/// <summary>A generated layer in every mode, a naive sparse loop, and a dense matrix-vector product.</summary>
public class FeedForwardBenchmarks : FeedForwardBenchmarkBase
{
    [Benchmark(Baseline = true)]
    public void Dense() => Run(0);

    [Benchmark]
    public void Exact() => Run(1);

    [Benchmark]
    public void Predicted() => Run(2);

    [Benchmark(Description = "naive sparse loop")]
    public void NaiveSparse() => Run(3);

    [Benchmark(Description = "dense GEMV loop")]
    public void DenseGemv() => Run(4);

    private protected override Comparison Compare() => FeedForwardComparisons.Alternatives(Hidden, Type);

    private protected override double BytesRead(string method) => SyntheticLayer.BytesPerToken(Hidden, Type, method switch
    {
        nameof(Exact) => SparsityMode.Exact,
        nameof(Predicted) or nameof(NaiveSparse) => SparsityMode.Predicted,
        _ => SparsityMode.Dense,
    });
}

/// <summary>
/// The kernel that is generated for a shape, and the same one with sizes known at run time only; their results are the same bit for bit.
/// </summary>
public class SpecialisedBenchmarks : FeedForwardBenchmarkBase
{
    [ParamsAllValues]
    public SparsityMode Mode { get; set; }

    [Benchmark(Baseline = true)]
    public void Specialised() => Run(0);

    [Benchmark(Description = "run-time sizes")]
    public void RunTimeSizes() => Run(1);

    private protected override Comparison Compare() => FeedForwardComparisons.Specialised(Hidden, Type);

    private protected override bool Measured(Variant variant) => variant.Group == Mode.ToString();

    private protected override double BytesRead(string method) => SyntheticLayer.BytesPerToken(Hidden, Type, Mode);
}

/// <summary>The fused kernel, and the layer as one operator after the other; their results are the same bit for bit.</summary>
public class FusedBenchmarks : FeedForwardBenchmarkBase
{
    [ParamsAllValues]
    public SparsityMode Mode { get; set; }

    [Benchmark(Baseline = true)]
    public void Fused() => Run(0);

    [Benchmark]
    public void Unfused() => Run(1);

    private protected override Comparison Compare() => FeedForwardComparisons.Fused(Hidden, Type);

    private protected override bool Measured(Variant variant) => variant.Group == Mode.ToString();

    private protected override double BytesRead(string method) => SyntheticLayer.BytesPerToken(Hidden, Type, Mode);
}

/// <summary>What prediction costs beside a dense layer.</summary>
public class PredictorBenchmarks : FeedForwardBenchmarkBase
{
    [Benchmark(Baseline = true, Description = "dense feed-forward")]
    public void Dense() => Run(0);

    [Benchmark(Description = "sign predictor")]
    public void Sign() => Run(1);

    [Benchmark(Description = "low-rank predictor")]
    public void LowRank() => Run(2);

    private protected override Comparison Compare() => FeedForwardComparisons.Predictors(Hidden, Type);

    private protected override double BytesRead(string method) => method switch
    {
        nameof(Sign) => SyntheticLayer.IntermediateOf(Hidden) * (Hidden / 8.0),
        nameof(LowRank) => ((double)Hidden + SyntheticLayer.IntermediateOf(Hidden)) * LowRankPredictor.Rank * sizeof(ushort),
        _ => SyntheticLayer.BytesPerToken(Hidden, Type, SparsityMode.Dense),
    };
}
