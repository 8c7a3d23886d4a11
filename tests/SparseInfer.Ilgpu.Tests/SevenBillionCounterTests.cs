using System.Runtime.InteropServices;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;
using SparseInfer.SoftwareCuda;
using SparseInfer.SoftwareCuda.Counting;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>What the feed-forward of a model of seven billion parameters reads and waits for: hidden 4096, intermediate 11008, F16.</summary>
public sealed class SevenBillionCounterTests : IDisposable
{
    private static readonly LayerCase Layer = new(4096, 11008, Activation.Relu, WeightType.F16, Gated: true, Biases: false, ReferencePolicy.None);

    private readonly IlgpuDevice _device = TestDevice.Open();

    [Theory]
    [InlineData("Dense")]
    [InlineData("Exact")]
    [InlineData("SignBit")]
    public void Weights_of_computed_rows_are_read_once_without_bank_conflicts_and_every_run_is_the_same(string kernel)
    {
        (IlgpuFeedForwardPlan plan, string text) = FeedForwardKernels.Emit(Layer);
        using var kernels = new FeedForwardKernels(_device, FeedForwardKernels.Compile([text]), plan);
        object weights = Weights(kernels.Weights, plan);
        var random = new Random(11008);
        float[] x = [.. Enumerable.Range(0, Layer.Hidden).Select(_ => (random.NextSingle() * 2) - 1)];
        object? threshold = kernel == "SignBit" ? SignBitThreshold.Of("1", Layer.Hidden) : null;

        // Races are looked for in the run below, which does the same.
        SoftwareCudaContext.Of(_device).CheckRaces = false;
        (float[] metered, int[] counts) = kernels.Run(kernel, weights, x, null, threshold, metered: true);
        SoftwareCudaContext.Of(_device).CheckRaces = true;
        float[] y = [];
        LaunchCounters counted = TestDevice.Count(
            _device, () => y = kernels.Run(kernel, weights, x, null, threshold, metered: false).Y).ShouldHaveSingleItem();

        MemoryMarshal.AsBytes<float>(y).SequenceEqual(MemoryMarshal.AsBytes<float>(metered)).ShouldBeTrue();
        long rows = Layer.Intermediate - counts[1] + counts[3];
        IReadOnlyDictionary<string, MemoryCounters> fields = MemoryOfFields.Of(counted, kernels.Weights);
        long sectors = fields.Where(field => !IsSigns(field.Key)).Sum(field => field.Value.LoadedSectors);
        (sectors * 32.0 / (rows * plan.Row.Bytes)).ShouldBeInRange(1, 1.05);
        counted.BankConflicts.ShouldBe(0);
        counted.SharedBytesPerGroup.ShouldBeLessThanOrEqualTo(plan.SharedBytes);
        plan.SharedBytes.ShouldBeLessThanOrEqualTo(48 * 1024);
        if (kernel == "SignBit")
        {
            long signs = fields.Where(field => IsSigns(field.Key)).Sum(field => field.Value.LoadedSectors);
            (signs * 32.0 / (Layer.Intermediate * Layer.Hidden / 8)).ShouldBeInRange(1, 1.05);
            rows.ShouldBeLessThan(Layer.Intermediate * 2, "the predictor spares rows, else nothing is shown");
        }
    }

    public void Dispose() => _device.Dispose();

    private static bool IsSigns(string field) => field.EndsWith("Signs", StringComparison.Ordinal);

    /// <summary>Random halves between -1 and 1, the same for all three matrices: what is read does not depend on it.</summary>
    private object Weights(Type type, IlgpuFeedForwardPlan plan)
    {
        var random = new Random(4096);
        ushort[] halves = new ushort[Layer.Intermediate * plan.Row.Columns];
        random.NextBytes(MemoryMarshal.AsBytes(halves.AsSpan()));
        uint[] signs = new uint[halves.Length / 32];
        for (int i = 0; i < halves.Length; i++)
        {
            halves[i] &= 0xbbff; // exponents below 15: less than 1
            signs[i / 32] |= (uint)(halves[i] >> 15) << (i % 32);
        }

        DeviceBuffer<Words4> matrix = _device.Allocate<Words4>(halves.Length / 8, "weights");
        matrix.CopyFrom(MemoryMarshal.Cast<ushort, Words4>(halves));
        DeviceBuffer<Words4> plane = _device.Allocate<Words4>(signs.Length / 4, "signs");
        plane.CopyFrom(MemoryMarshal.Cast<uint, Words4>(signs));
        object weights = Activator.CreateInstance(type)!;
        foreach (var field in type.GetFields())
        {
            field.SetValue(weights, IsSigns(field.Name) ? plane.View : matrix.View);
        }

        return weights;
    }
}
