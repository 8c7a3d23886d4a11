using System.Runtime.InteropServices;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Ilgpu;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Several tokens together: each has the bits of the kernel of one token, in every activation x weight type x gate x biases x policy x odd shape.
/// </summary>
public sealed class TogetherMatrixTests
{
    private static readonly int[] Counts = [1, 2, 3, 8, 9, 15, 16];

    public static TheoryData<string> Layers => FeedForwardMatrixTests.Layers;

    [Theory]
    [MemberData(nameof(Layers))]
    public void EachTokenHasTheBitsThatItHasAlone(string name)
    {
        IGrouping<(WeightType Weights, int, int, Activation, bool, bool), LayerCase> shape = FeedForwardMatrixTests.Shapes.Single(shape => shape.First().Name == name);
        IlgpuFeedForwardPlan plan = FeedForwardKernels.Emit(shape.First()).Plan;
        var data = new LayerData(shape.First());
        using IlgpuDevice device = TestDevice.Open();
        using var uploaded = new UploadedLayer(device, shape.First(), data);
        using var kernels = new FeedForwardKernels(device, FeedForwardMatrixTests.Assemblies[shape.Key.Weights].Value, plan);
        object weights = uploaded.As(kernels.Weights);
        float[][] inputs = Inputs(data);
        foreach (LayerCase layer in shape.Where(layer => layer.Policy != ReferencePolicy.None))
        {
            (string kernel, object? parameter) = FeedForwardMatrixTests.Kernel(layer);
            Float4[][] alone = [.. inputs.Select(x => kernels.Partial(kernel, weights, x, parameter))];
            foreach (int tokens in Counts)
            {
                (Float4[] partial, float[] activated) = kernels.Together(kernel, weights, inputs[..tokens], parameter);
                for (int token = 0; token < tokens; token++)
                {
                    ReadOnlySpan<Float4> ofToken = partial.AsSpan(token * alone[token].Length, alone[token].Length);
                    MemoryMarshal.AsBytes(ofToken).SequenceEqual(MemoryMarshal.AsBytes<Float4>(alone[token]))
                        .ShouldBeTrue($"{layer.Name}, token {token} of {tokens}");
                    activated.AsSpan(token * plan.Shape.PaddedIntermediate, plan.Intermediate).Contains(float.NaN)
                        .ShouldBeFalse($"{layer.Name}, token {token} of {tokens}: an activation is not written");
                }
            }
        }
    }

    /// <summary>16 inputs, the layer's own among them, so that tokens differ in what they want.</summary>
    private static float[][] Inputs(LayerData data)
    {
        var random = new Random(data.Inputs[0].X.Length);
        return [.. Enumerable.Range(0, TogetherPlan.Tokens).Select(token => token % 4 == 1
            ? data.Inputs[token / 4].X
            : [.. data.Inputs[0].X.Select(value => (random.NextSingle() * 4) - 2)])];
    }
}
