using Models;
using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Models.Tests;

/// <summary>What a layer that stands alone promises of its input.</summary>
public sealed class LayerAloneTests
{
    public static TheoryData<WeightType, SparsityMode> TypesAndModes => new(
        from type in Enum.GetValues<WeightType>() where TensorType.Of(type).ElementsPerBlock <= 32 from mode in Enum.GetValues<SparsityMode>() select (type, mode));

    [Theory]
    [MemberData(nameof(TypesAndModes))]
    public void An_input_that_is_not_finite_is_refused_wherever_it_is_and_leaves_the_output_alone(WeightType type, SparsityMode mode)
    {
        foreach (FeedForwardKernel kind in (FeedForwardKernel[])[Layers.Predicted, Layers.Smooth])
        {
            using FeedForwardKernel layer = kind.New();
            layer.Load(Weights(layer.Shape, type));
            layer.Mode = mode;
            float[] x = [.. Enumerable.Range(0, layer.Shape.Hidden).Select(i => MathF.Sin(i))];
            float[] expected = new float[x.Length];
            layer.Forward(x, expected);
            expected.ShouldAllBe(value => float.IsFinite(value));
            foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                foreach (int place in (int[])[0, 15, 16, 95])
                {
                    float[] wrong = [.. x];
                    wrong[place] = bad;
                    float[] y = [.. Enumerable.Repeat(7f, x.Length)];
                    string message = Should.Throw<ArgumentException>(() => layer.Forward(wrong, y)).Message;
                    message.ShouldStartWith(FormattableString.Invariant($"x[{place}] is {bad}"));
                    y.ShouldAllBe(value => value == 7f);
                }
            }

            float[] again = new float[x.Length];
            layer.Forward(x, again);
            again.ShouldBe(expected);
        }
    }

    [Fact]
    public void Down_may_have_any_declared_type_whatever_gate_and_up_have()
    {
        WeightType[] types = [.. Enum.GetValues<WeightType>().Where(type => TensorType.Of(type).ElementsPerBlock <= 32)];
        foreach ((WeightType type, WeightType down) in types.SelectMany(type => types.Where(other => other != type).Select(other => (type, other))))
        {
            using FeedForwardKernel layer = Layers.Predicted.New();
            FeedForwardWeights weights = Weights(layer.Shape, type, down);
            layer.Load(weights);
            float[] x = [.. Enumerable.Range(0, layer.Shape.Hidden).Select(i => MathF.Sin(i))];
            double[] expected = Reference(layer.Shape, weights, x);
            double size = expected.Max(Math.Abs);
            float[] y = new float[x.Length];
            foreach (SparsityMode mode in (SparsityMode[])[SparsityMode.Dense, SparsityMode.Exact])
            {
                layer.Mode = mode;
                layer.Metering = true;
                layer.ResetMetrics();
                layer.Forward(x, y);
                y.Zip(expected, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(size * 0.02, $"{type}, down {down}, {mode}");
            }

            // A row of gate and up for each neuron, and of down for those that are left.
            LayerMetrics metrics = layer.ReadMetrics();
            double active = (1 - metrics.ActualSparsity) * layer.Shape.Intermediate;
            double read = (Row(type, layer.Shape.Hidden) * (layer.Shape.Intermediate + active)) + (Row(down, layer.Shape.Hidden) * active);
            metrics.BytesPerToken.ShouldBe(read, 1e-6, $"{type}, down {down}");
        }
    }

    private static double Row(WeightType type, int columns) => TensorSize.Of("row", TensorType.Of(type), [columns]);

    private static double[] Reference(FeedForwardShape shape, FeedForwardWeights weights, float[] x)
    {
        float[] gate = Values(weights.Gate!, shape.Intermediate * shape.Hidden);
        float[] up = Values(weights.Up, shape.Intermediate * shape.Hidden);
        float[] down = Values(weights.Down, shape.Intermediate * shape.Hidden);
        double Dot(float[] matrix, int row) => x.Select((value, i) => (double)value * matrix[(row * x.Length) + i]).Sum();
        double[] h = [.. Enumerable.Range(0, shape.Intermediate).Select(i => Math.Max(0, Dot(gate, i)) * Dot(up, i))];
        return [.. Enumerable.Range(0, x.Length).Select(j => h.Select((value, i) => value * down[(j * h.Length) + i]).Sum())];
    }

    private static float[] Values(WeightTensor tensor, int count)
    {
        float[] values = new float[count];
        WeightFormat.For(tensor.Type!.Value).Decode(tensor.Bytes.Span, values);
        return values;
    }

    internal static FeedForwardWeights Weights(FeedForwardShape shape, WeightType type, WeightType? downType = null)
    {
        var random = new Random(5);
        WeightTensor Matrix(WeightType type, int rows, int columns) => WeightTensor.From(type, Bytes(type, rows * columns, random));
        return new FeedForwardWeights
        {
            Gate = Matrix(type, shape.Intermediate, shape.Hidden),
            Up = Matrix(type, shape.Intermediate, shape.Hidden),
            Down = Matrix(downType ?? type, shape.Hidden, shape.Intermediate),
        };
    }

    /// <summary>Small numbers, whatever the type.</summary>
    private static byte[] Bytes(WeightType type, int count, Random random)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        return TinyFiles.Encode(type, values);
    }
}
