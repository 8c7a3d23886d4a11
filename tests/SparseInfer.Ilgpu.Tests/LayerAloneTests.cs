using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Layers that stand alone: the same property computes the same on the CPU and on a device that ILGPU reaches.</summary>
public sealed class LayerAloneTests
{
    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedAssembly.Load(
        GeneratedProject.Complete(GeneratedProject.Compilation("""
            using SparseInfer;

            internal static partial class Layers
            {
                [FeedForward(Hidden = 40, Intermediate = 70, Activation = Activation.SquaredRelu, Gated = false, Biases = true)]
                [SignBitPredictor(Alpha = 1.01f)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel Ungated { get; }

                [FeedForward(Hidden = 64, Intermediate = 96)]
                [SignBitPredictor(Alpha = 1.01f)]
                [Weights(WeightType.BF16, WeightType.Q8_0)]
                [Target("orin-nano-4")]
                public static partial FeedForwardKernel TwoTypes { get; }

                [FeedForward(Hidden = 40, Intermediate = 70, Activation = Activation.SquaredRelu, Gated = false, Biases = true)]
                [SignMagnitudePredictor(Beta = 1.01f, OutlierSigmas = 1.5f, OutlierWeight = 12.5f)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel Votes { get; }

                [FeedForward(Hidden = 1152, Intermediate = 96, Activation = Activation.DRelu)]
                [SignMagnitudePredictor(OutlierSigmas = 1.5f)]
                [Weights(WeightType.F16)]
                public static partial FeedForwardKernel VotesOfTwo { get; }

                [FeedForward(Hidden = 64, Intermediate = 320, Activation = Activation.GaussianTopK, Sparsity = 0.8f)]
                [ExactSparsity]
                [Weights(WeightType.F16, WeightType.Q8_0)]
                public static partial FeedForwardKernel Cut { get; }

                [FeedForward(Hidden = 40, Intermediate = 70, Activation = Activation.GaussianTopK, Sparsity = 0.5f, Gated = false, Biases = true)]
                [ExactSparsity]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel UngatedCut { get; }
            }
            """).WithIlgpu()), unloads: false));

    [Theory]
    [InlineData("Ungated")]
    [InlineData("TwoTypes")]
    [InlineData("Votes")]
    [InlineData("VotesOfTwo")]
    public void A_layer_computes_and_counts_what_it_does_on_the_cpu(string property)
    {
        using IlgpuDevice device = TestDevice.Open();
        using FeedForwardKernel cpu = Assembly.Value.Layer("Layers", property).New();
        using FeedForwardKernel gpu = cpu.New();
        FeedForwardShape shape = cpu.Shape;
        var random = new Random(1);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        int matrix = shape.Hidden * shape.Intermediate;
        var weights = new FeedForwardWeights
        {
            Gate = shape.Gated ? WeightTensor.From(Values(matrix)) : null,
            Up = Values(matrix),
            Down = Values(matrix),
            UpBias = shape.Biases ? Values(shape.Intermediate) : null,
            DownBias = shape.Biases ? Values(shape.Hidden) : null,
        };
        cpu.Load(weights);
        gpu.Load(weights, device);
        float[] x = Values(shape.Hidden);
        float[] dense = Forward(gpu, SparsityMode.Dense, x);

        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            float[] expected = Forward(cpu, mode, x);
            float most = expected.Max(MathF.Abs);
            expected.Zip(Forward(gpu, mode, x), (a, b) => MathF.Abs(a - b)).Max().ShouldBeLessThan(1e-5f * most, $"{property}, {mode}");
        }

        Forward(gpu, SparsityMode.Exact, x).ShouldBe(dense);
        cpu.Metering = gpu.Metering = true;
        Forward(cpu, SparsityMode.Predicted, x);
        Forward(gpu, SparsityMode.Predicted, x);
        LayerMetrics counted = gpu.ReadMetrics();
        counted.ActualSparsity.ShouldBe(cpu.ReadMetrics().ActualSparsity);
        counted.PredictedSparsity.ShouldBe(cpu.ReadMetrics().PredictedSparsity);
        counted.PredictedSparsity.ShouldBeInRange(0.1, 0.9);
        counted.Recall.ShouldBe(cpu.ReadMetrics().Recall);
    }

    /// <summary>A cut in double precision, and what is left of the neurons; its own gates decide, as the device's do.</summary>
    [Theory]
    [InlineData("Cut", 0.8416212335729143)]
    [InlineData("UngatedCut", 0)]
    public void A_layer_cuts_where_double_precision_does(string property, double quantile)
    {
        using IlgpuDevice device = TestDevice.Open();
        using FeedForwardKernel layer = Assembly.Value.Layer("Layers", property).New();
        FeedForwardShape shape = layer.Shape;
        var random = new Random(7);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(Half)(random.NextSingle() - 0.5f))];
        int matrix = shape.Hidden * shape.Intermediate;
        float[]? gate = shape.Gated ? Values(matrix) : null;
        (float[] up, float[] down, float[] x) = (Values(matrix), Values(matrix), Values(shape.Hidden));
        float[]? upBias = shape.Biases ? Values(shape.Intermediate) : null;
        float[]? downBias = shape.Biases ? Values(shape.Hidden) : null;
        layer.Load(new FeedForwardWeights { Gate = gate is null ? null : WeightTensor.From(gate), Up = up, Down = down, UpBias = upBias, DownBias = downBias }, device);

        double[] Rows(float[] rows, float[]? bias) =>
            [.. Enumerable.Range(0, shape.Intermediate).Select(i => x.Select((value, j) => (double)value * rows[(i * shape.Hidden) + j]).Sum() + (bias?[i] ?? 0))];
        double[] ups = Rows(up, upBias);
        double[] gates = gate is null ? ups : Rows(gate, null);
        double mean = gates.Average();
        double cut = mean + (quantile * Math.Sqrt(gates.Average(value => (value - mean) * (value - mean))));
        double[] h = [.. gates.Select((value, i) => value <= cut ? 0 : Gelu(value - cut) * (gate is null ? 1 : ups[i]))];
        double[] expected = [.. Enumerable.Range(0, shape.Hidden).Select(j => h.Select((value, i) => value * down[(j * shape.Intermediate) + i]).Sum() + (downBias?[j] ?? 0))];

        layer.Metering = true;
        foreach (SparsityMode mode in new[] { SparsityMode.Dense, SparsityMode.Exact })
        {
            layer.ResetMetrics();
            float[] actual = Forward(layer, mode, x);
            expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-5 * expected.Max(Math.Abs), $"{property}, {mode}");
            layer.ReadMetrics().ActualSparsity.ShouldBe(h.Count(value => value == 0) / (double)h.Length);
        }

        static double Gelu(double value) => 0.5 * value * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (value + (0.044715 * value * value * value))));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void An_input_that_is_not_finite_is_refused_on_a_device_as_on_the_cpu(float bad)
    {
        using IlgpuDevice device = TestDevice.Open();
        using FeedForwardKernel layer = Assembly.Value.Layer("Layers", "TwoTypes").New();
        float[] matrix = new float[layer.Shape.Hidden * layer.Shape.Intermediate];
        Array.Fill(matrix, 0.5f);
        layer.Load(new FeedForwardWeights { Gate = matrix, Up = matrix, Down = matrix }, device);
        float[] x = new float[layer.Shape.Hidden];
        x[33] = bad;
        float[] y = [.. Enumerable.Repeat(7f, x.Length)];
        Should.Throw<ArgumentException>(() => layer.Forward(x, y)).Message.ShouldStartWith("x[33] is ");
        y.ShouldAllBe(value => value == 7f);
    }

    private static float[] Forward(FeedForwardKernel kernel, SparsityMode mode, float[] x)
    {
        float[] y = new float[x.Length];
        kernel.Mode = (UserMode)mode;
        kernel.Forward(x, y);
        return y;
    }
}
