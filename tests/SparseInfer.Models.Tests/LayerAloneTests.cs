using Models;
using SparseInfer.Files;

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

    internal static FeedForwardWeights Weights(FeedForwardShape shape, WeightType type)
    {
        var random = new Random(5);
        WeightTensor Matrix(int rows, int columns) => WeightTensor.From(type, Bytes(type, rows * columns, random));
        return new FeedForwardWeights
        {
            Gate = Matrix(shape.Intermediate, shape.Hidden),
            Up = Matrix(shape.Intermediate, shape.Hidden),
            Down = Matrix(shape.Hidden, shape.Intermediate),
        };
    }

    /// <summary>Small numbers, whatever the type.</summary>
    private static byte[] Bytes(WeightType type, int count, Random random)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        return TinyFiles.Encode(type, values);
    }
}
