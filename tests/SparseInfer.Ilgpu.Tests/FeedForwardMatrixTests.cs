using System.Reflection;
using System.Runtime.InteropServices;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Every activation that GPUs have x weight type x gate x biases x policy x odd shape of the CPU's tests: the PTX of the generated kernels, executed,
/// against double precision.
/// </summary>
public sealed class FeedForwardMatrixTests
{
    internal static readonly IGrouping<(WeightType Weights, int, int, Activation, bool, bool), LayerCase>[] Shapes = [.. LayerMatrix.All.Where(layer => layer.Activation != Activation.GaussianTopK).GroupBy(
        layer => (layer.Weights, layer.Hidden, layer.Intermediate, layer.Activation, layer.Gated, layer.Biases))];

    internal static readonly Dictionary<WeightType, Lazy<Assembly>> Assemblies = StoredFormat.Types.ToDictionary(
        type => type,
        type => new Lazy<Assembly>(() => FeedForwardKernels.Compile(
            Shapes.Where(shape => shape.Key.Weights == type).Select(shape => FeedForwardKernels.Emit(shape.First()).Text).Distinct())));

    public static TheoryData<string> Layers { get; } = [.. Shapes.Select(shape => shape.First().Name)];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Every_mode_and_policy_computes_its_definition_and_counts_what_it_skipped(string name)
    {
        IGrouping<(WeightType Weights, int, int, Activation, bool, bool), LayerCase> shape = Shapes.Single(shape => shape.First().Name == name);
        ShouldComputeItsDefinition([.. shape], Assemblies[shape.Key.Weights].Value, FeedForwardKernels.Emit(shape.First()).Plan);
    }

    /// <summary>Down's scales change on the way through a slice; this is the plan with the most blocks.</summary>
    [Theory]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void A_slice_of_several_blocks_of_neurons_computes_its_definition(WeightType type)
    {
        LayerCase[] shape = [.. Shapes.First(
            shape => shape.Key is (_, 64, 1056, _, true, _) && shape.Key.Weights == type && shape.First().HasZeros)];
        IlgpuFeedForwardPlan plan = SlicePlanner.Candidates(FeedForwardKernels.Planned(shape[0]), DeviceTable.Default).MaxBy(plan => plan.SliceBlocks)!;
        plan.SliceBlocks.ShouldBeGreaterThan(1);
        ShouldComputeItsDefinition(shape, FeedForwardKernels.Compile([FeedForwardKernels.Emit(shape[0], plan)]), plan);
    }

    private static void ShouldComputeItsDefinition(LayerCase[] shape, Assembly assembly, IlgpuFeedForwardPlan plan)
    {
        var data = new LayerData(shape[0]);
        using IlgpuDevice device = TestDevice.Open();
        using var uploaded = new UploadedLayer(device, shape[0], data);
        using var kernels = new FeedForwardKernels(device, assembly, plan);
        object weights = uploaded.As(kernels.Weights);
        foreach ((string input, float[] x) in data.Inputs)
        {
            float[]? dense = null;
            foreach (LayerCase layer in shape.Where(layer => layer.Policy != ReferencePolicy.None).OrderBy(layer => layer.Policy))
            {
                string where = $"{layer.Name}, {input}";
                (string kernel, object? parameter) = Kernel(layer);
                SparsityMode mode = layer.Policy == ReferencePolicy.Dense ? SparsityMode.Dense : SparsityMode.Predicted;
                LayerReference.Expected expected = new LayerReference(layer, data, onGpu: true).Forward(x, mode);

                (float[] y, _) = kernels.Run(kernel, weights, x, data.DownBias, parameter, metered: false);
                (float[] metered, int[] counts) = kernels.Run(kernel, weights, x, data.DownBias, parameter, metered: true);

                ShouldMatch(y, expected, where);
                if (layer is { Policy: ReferencePolicy.SignBit, Biases: true })
                {
                    kernels.InputSum().ShouldBe(Kernels.Cpu.AbsoluteSums.Of(in x[0], x.Length), where);
                }

                ShouldHaveTheBitsOf(y, metered, where + ", metered");
                dense ??= y;
                if (layer.Policy == ReferencePolicy.Exact)
                {
                    ShouldHaveTheBitsOf(dense, y, where);
                }

                counts[1].ShouldBe(expected.Predicted, where);
                Math.Abs(counts[0] - expected.Inactive).ShouldBeLessThanOrEqualTo(expected.Doubtful, where);
                if (expected.Doubtful == 0)
                {
                    counts[2].ShouldBe(expected.PredictedInactive, where);
                    int all = layer.Intermediate * (layer.Gated ? 2 : 1);
                    counts[3].ShouldBe(
                        layer.Policy == ReferencePolicy.Dense ? all : expected.Kept + (layer.Gated ? expected.KeptAfterFirst : 0), where);
                }
            }
        }
    }

    /// <summary>The kernel of a layer's policy, and its parameter.</summary>
    internal static (string Kernel, object? Parameter) Kernel(LayerCase layer) => layer.Policy switch
    {
        ReferencePolicy.Dense => ("Dense", null),
        ReferencePolicy.Exact => ("Exact", null),
        ReferencePolicy.SignBit => ("SignBit", SignBitThreshold.Of(FormattableString.Invariant($"{layer.Alpha}"), layer.Hidden)),
        _ => ("ActivationThreshold", LayerCase.Threshold),
    };

    private static void ShouldMatch(float[] y, LayerReference.Expected expected, string where)
    {
        // Written so that a NaN is found.
        int wrong = Enumerable.Range(0, y.Length)
            .FirstOrDefault(j => !(Math.Abs(y[j] - expected.Output[j].Value) <= expected.Output[j].Error), -1);
        if (wrong >= 0)
        {
            Assert.Fail($"{where}, output {wrong}: {y[wrong]} for {expected.Output[wrong]}");
        }
    }

    private static void ShouldHaveTheBitsOf(float[] expected, float[] y, string where) =>
        MemoryMarshal.AsBytes<float>(y).SequenceEqual(MemoryMarshal.AsBytes<float>(expected)).ShouldBeTrue(where);
}
