using BenchmarkDotNet.Attributes;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>A matrix of 4096 columns times a vector, on one thread: this project's kernel, and what one would write instead.</summary>
[GigabytesPerSecond]
[GenericTypeArguments(typeof(F32))]
[GenericTypeArguments(typeof(F16))]
[GenericTypeArguments(typeof(BF16))]
[GenericTypeArguments(typeof(Q8_0))]
[GenericTypeArguments(typeof(Q4_0))]
public class RowKernelBenchmarks<T> : IReadsWeights
    where T : IWeightArithmetic
{
    private RowMatrix<T> _rows = null!;

    /// <summary>128 MiB are more than any cache, 256 KiB stay in the second level.</summary>
    [Params(128 << 10, 256)]
    public int KiB { get; set; }

    [GlobalSetup]
    public void Setup() => _rows = new RowMatrix<T>((long)KiB << 10);

    [GlobalCleanup]
    public void Cleanup() => _rows.Dispose();

    [Benchmark(Baseline = true, Description = "MatrixVector.Multiply")]
    public void Multiply() => _rows.Multiply();

    [Benchmark(Description = "widen, TensorPrimitives.Dot")]
    public void TensorPrimitivesDot() => _rows.TensorPrimitivesDot();

    [Benchmark(Description = "plain GEMV loop")]
    public void PlainGemv() => _rows.PlainGemv();

    double IReadsWeights.BytesRead(string method) => (double)RowMatrix<T>.RowsIn((long)KiB << 10) * T.RowBytes(RowMatrix<T>.Columns);
}

/// <summary>The row dot product with the next rows fetched ahead, and without, over 128 MiB.</summary>
[GigabytesPerSecond]
[GenericTypeArguments(typeof(F32))]
[GenericTypeArguments(typeof(F16))]
[GenericTypeArguments(typeof(BF16))]
[GenericTypeArguments(typeof(Q8_0))]
[GenericTypeArguments(typeof(Q4_0))]
public class PrefetchBenchmarks<T> : IReadsWeights
    where T : IWeightArithmetic
{
    private const long Bytes = 128 << 20;

    private RowMatrix<T> _rows = null!;

    [GlobalSetup]
    public void Setup() => _rows = new RowMatrix<T>(Bytes);

    [GlobalCleanup]
    public void Cleanup() => _rows.Dispose();

    [Benchmark(Description = "every row, next rows fetched")]
    public void AllAhead() => _rows.DotAll(ahead: true);

    [Benchmark(Description = "every row, not fetched")]
    public void All() => _rows.DotAll(ahead: false);

    [Benchmark(Description = "a tenth, next rows fetched")]
    public void SurvivorsAhead() => _rows.DotSurvivors(ahead: true);

    [Benchmark(Description = "a tenth, not fetched")]
    public void Survivors() => _rows.DotSurvivors(ahead: false);

    double IReadsWeights.BytesRead(string method)
    {
        double all = (double)RowMatrix<T>.RowsIn(Bytes) * T.RowBytes(RowMatrix<T>.Columns);
        return method.StartsWith(nameof(Survivors), StringComparison.Ordinal) ? all / 10 : all;
    }
}
