using BenchmarkDotNet.Attributes;

namespace SparseInfer.Benchmarks;

/// <summary>
/// A generated layer on one thread, in each mode, one token at a time. Setup prints the sparsity and the bytes that a token touches.
/// </summary>
public class FeedForwardBenchmarks
{
    private readonly float[] _y = new float[Layers.Hidden];
    private FeedForwardKernel _kernel = null!;
    private float[] _x = [];

    [Params("F16", "Q8_0", "Q4_0")]
    public string Weights { get; set; } = "";

    [ParamsAllValues]
    public SparsityMode Mode { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var layer = new SparseLayer();
        _x = layer.X;
        _kernel = (Weights switch { "F16" => Layers.F16, "Q8_0" => Layers.Q8, _ => Layers.Q4 }).New();
        _kernel.Load(layer.Weights);
        _kernel.Mode = Mode;
        _kernel.Metering = true;
        _kernel.Forward(_x, _y);
        LayerMetrics metrics = _kernel.ReadMetrics();
        _kernel.Metering = false;
        string sparsity = FormattableString.Invariant($"inactive {metrics.ActualSparsity:p1}, predicted {metrics.PredictedSparsity:p1}");
        Console.WriteLine(FormattableString.Invariant($"// {Weights} {Mode}: {sparsity}, {metrics.BytesPerToken / 1e6:f1} MB a token"));
    }

    [GlobalCleanup]
    public void Cleanup() => _kernel.Dispose();

    [Benchmark]
    public void Forward() => _kernel.Forward(_x, _y);
}

/// <summary>The same layer as loops over arrays of floats: what one writes without any of this.</summary>
public class NaiveFeedForwardBenchmarks
{
    private readonly SparseLayer _layer = new();
    private readonly float[] _h = new float[Layers.Intermediate];
    private readonly float[] _y = new float[Layers.Hidden];

    [Benchmark]
    public void Naive()
    {
        for (int i = 0; i < Layers.Intermediate; i++)
        {
            float gate = Dot(_layer.Gate, i * Layers.Hidden, _layer.X);
            _h[i] = Math.Max(0, gate) * Dot(_layer.Up, i * Layers.Hidden, _layer.X);
        }

        for (int j = 0; j < Layers.Hidden; j++)
        {
            _y[j] = Dot(_layer.Down, j * Layers.Intermediate, _h);
        }
    }

    private static float Dot(float[] matrix, int start, float[] x)
    {
        float sum = 0;
        for (int j = 0; j < x.Length; j++)
        {
            sum += matrix[start + j] * x[j];
        }

        return sum;
    }
}
