using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Tests.Plan;

/// <summary>
/// The model of time against simulated kernels, docs/gpu-cost-model.md: one multiprocessor of an Orin and a sixteenth of its bandwidth, 768
/// neurons of 4096 columns, 5000 cycles of launch among the cycles. The plans, registers and instructions are those that were simulated.
/// </summary>
public sealed class SimulatedCyclesTests
{
    private const double Megahertz = 1300;

    private static readonly DeviceTarget Sixteenth = new("sixteenth", "sm_87", 1, 164, 1536, (int)Megahertz, 12.8, 4, Integrated: true);

    /// <summary>Four groups of 192 neurons.</summary>
    [Theory]
    [InlineData(1.0, false, 2294015)]
    [InlineData(0.51, true, 1079213)]
    [InlineData(0.116, true, 292337)]
    [InlineData(0.0, true, 60387)]
    public void F16_is_within_a_factor_of_1_point_15(double active, bool predicts, double simulated) =>
        ShouldBeWithin(1.15, simulated, Cycles(WeightType.F16, active, predicts, threads: 256, warpNeurons: 24, registers: 42, perLoad: 26.5));

    /// <summary>Six groups of 128 neurons, five at a time: the kernel before its products of bytes.</summary>
    [Theory]
    [InlineData(1.0, false, 838165)]
    [InlineData(0.51, true, 675219)]
    [InlineData(0.116, true, 271161)]
    public void Q4_is_within_a_factor_of_1_point_6(double active, bool predicts, double simulated) =>
        ShouldBeWithin(1.6, simulated, Cycles(WeightType.Q4_0, active, predicts, threads: 128, warpNeurons: 32, registers: 85, perLoad: 185));

    /// <summary>One group of all of an Orin's read 119 partial sums of 3584 columns.</summary>
    [Fact]
    public void A_sum_in_one_group_is_within_a_factor_of_1_point_1_and_in_a_group_for_each_strip_a_fifth_of_it()
    {
        DeviceTarget orin = DeviceTable.Find("orin-agx-64")!;
        double bytes = 119 * 3584.0 * 4;
        double one = (KernelTime.Move(orin, bytes, 1) + KernelTime.LaunchMicroseconds) * Megahertz;
        ShouldBeWithin(1.1, 125204, one);
        ((KernelTime.Move(orin, bytes, 28) + KernelTime.LaunchMicroseconds) * Megahertz).ShouldBeLessThan(one / 5);
    }

    private static double Cycles(
        WeightType type, double active, bool predicts, int threads, int warpNeurons, int registers, double perLoad)
    {
        var spec = new FeedForwardSpec(4096, 768, Activation.Relu, "0", Gated: true, Biases: false);
        var plan = new IlgpuFeedForwardPlan(new(spec, type), Sixteenth, threads, warpNeurons);
        double rows = active * 3 * 768 * plan.Row.Bytes;
        double signs = predicts ? 768.0 * 4096 / 8 : 0;
        int resident = Occupancy.Groups(Sixteenth, threads, plan.SharedBytes, registers);
        double imbalance = Occupancy.Waves(plan.Slices, 1, resident, plan.Warps) * plan.SliceNeurons / 768;
        return (SlicePlanner.FusedMicroseconds(plan, rows, signs, perLoad, imbalance) + KernelTime.LaunchMicroseconds) * Megahertz;
    }

    private static void ShouldBeWithin(double factor, double simulated, double modelled) =>
        modelled.ShouldBeInRange(simulated / factor, simulated * factor);
}
