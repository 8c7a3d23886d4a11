using System.Runtime.InteropServices;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Layers that stand alone, executed: whatever is declared computes what the definitions say.</summary>
public sealed class LayerMatrixTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(2), Device.Cpu(3)];

    public static TheoryData<string> Layers { get; } = [.. LayerMatrix.All.Select(layer => layer.Name)];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Every_mode_computes_its_definition(string name)
    {
        LayerCase layer = LayerMatrix.Find(name);
        var data = new LayerData(layer);
        var reference = new LayerReference(layer, data);
        using FeedForwardKernel kernel = LayerMatrix.New(layer);
        kernel.Load(data.Weights);

        foreach ((string input, float[] x) in data.Inputs)
        {
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                ShouldMatch(Forward(kernel, mode, x), reference.Forward(x, mode), $"{name}, {mode}, {input}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Exact_has_the_bits_of_dense_and_no_mode_depends_on_the_number_of_threads_or_on_metering(string name)
    {
        LayerCase layer = LayerMatrix.Find(name);
        var data = new LayerData(layer);
        FeedForwardKernel[] kernels = [.. Devices.Select(_ => LayerMatrix.New(layer))];
        for (int i = 0; i < kernels.Length; i++)
        {
            kernels[i].Load(data.Weights, Devices[i]);
        }

        foreach ((string input, float[] x) in data.Inputs)
        {
            ShouldHaveTheBitsOf(Forward(kernels[0], SparsityMode.Dense, x), Forward(kernels[0], SparsityMode.Exact, x), $"{name}, {input}");
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                float[] expected = Forward(kernels[0], mode, x);
                foreach (FeedForwardKernel kernel in kernels)
                {
                    ShouldHaveTheBitsOf(expected, Forward(kernel, mode, x), $"{name}, {mode}, {input}");
                    ShouldHaveTheBitsOf(expected, Forward(kernel, mode, x, metering: true), $"{name}, {mode}, {input}, metered");
                }
            }
        }

        foreach (FeedForwardKernel kernel in kernels)
        {
            kernel.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Meters_count_what_was_skipped_and_whether_that_was_right(string name)
    {
        LayerCase layer = LayerMatrix.Find(name);
        var data = new LayerData(layer);
        var reference = new LayerReference(layer, data);
        using FeedForwardKernel kernel = LayerMatrix.New(layer);
        kernel.Load(data.Weights, Devices[^1]);
        foreach ((string input, float[] x) in data.Inputs)
        {
            foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
            {
                kernel.ResetMetrics();
                Forward(kernel, mode, x, metering: true);
                LayerMetrics metrics = kernel.ReadMetrics();
                LayerReference.Expected expected = reference.Forward(x, mode);
                string where = $"{name}, {mode}, {input}";

                metrics.Tokens.ShouldBe(1, where);
                metrics.PredictedSparsity.ShouldBe((double)expected.Predicted / layer.Intermediate, where);
                double inactive = metrics.ActualSparsity * layer.Intermediate;
                Math.Abs(inactive - expected.Inactive).ShouldBeLessThan(expected.Doubtful + 1e-9, where);
                if (expected.Doubtful == 0)
                {
                    double recall = expected.Predicted == 0 ? double.NaN : Share(expected.PredictedInactive, expected.Inactive);
                    metrics.Precision.ShouldBe(Share(expected.PredictedInactive, expected.Predicted), where);
                    metrics.Recall.ShouldBe(recall, where);
                    metrics.BytesPerToken.ShouldBe(Bytes(layer, mode, expected), where);
                }
            }
        }
    }

    private static float[] Forward(FeedForwardKernel kernel, SparsityMode mode, float[] x, bool metering = false)
    {
        // What is there before must not matter.
        float[] y = [.. Enumerable.Repeat(float.NaN, x.Length)];
        kernel.Mode = (UserMode)mode;
        kernel.Metering = metering;
        kernel.Forward(x, y);
        return y;
    }

    internal static void ShouldMatch(float[] y, LayerReference.Expected expected, string where)
    {
        // Written so that a NaN is found.
        int wrong = Enumerable.Range(0, y.Length)
            .FirstOrDefault(j => !(Math.Abs(y[j] - expected.Output[j].Value) <= expected.Output[j].Error), -1);
        if (wrong >= 0)
        {
            Assert.Fail($"{where}, output {wrong}: {y[wrong]} for {expected.Output[wrong]}");
        }
    }

    private static void ShouldHaveTheBitsOf(float[] expected, float[] y, string where)
    {
        if (!MemoryMarshal.AsBytes<float>(expected).SequenceEqual(MemoryMarshal.AsBytes<float>(y)))
        {
            y.ShouldBe(expected, where);
            Assert.Fail($"{where}: zeros of different sign");
        }
    }

    private static double Share(int part, int whole) => whole == 0 ? double.NaN : (double)part / whole;

    /// <summary>Rows read, padded to 32 columns, and the signs of all rows in 64-bit words; a number more where a bias votes.</summary>
    private static double Bytes(LayerCase layer, SparsityMode mode, LayerReference.Expected expected)
    {
        int row = StoredFormat.For(layer.Weights).Bytes((layer.Hidden + 31) / 32 * 32);
        bool dense = mode switch
        {
            SparsityMode.Dense => true,
            SparsityMode.Exact => !layer.HasZeros,
            _ => layer.Policy == LayerPolicy.Dense || (layer.Policy == LayerPolicy.None && !layer.HasZeros),
        };
        if (dense)
        {
            return (double)row * layer.Intermediate * (layer.Gated ? 3 : 2);
        }

        bool predicts = mode == SparsityMode.Predicted && layer.Policy == LayerPolicy.SignBit;
        int planes = !predicts ? 0 : layer.Activation == Activation.DRelu ? 2 : 1;
        int signs = (((layer.Hidden + 63) / 64 * 8) + (layer.Biases ? 4 : 0)) * planes * layer.Intermediate;
        return signs + ((double)row * (expected.FirstRows + (layer.Gated ? expected.KeptAfterFirst : 0) + expected.Kept));
    }
}
