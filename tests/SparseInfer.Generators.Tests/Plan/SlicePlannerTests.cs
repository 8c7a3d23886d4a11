using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Tests.Plan;

/// <summary>How groups share the multiprocessors, and how many neurons they take.</summary>
public sealed class SlicePlannerTests
{
    private static readonly DeviceTarget Orin = DeviceTable.Find("orin-agx-64")!;

    [Theory]
    [InlineData(128, 20000, 85, 5)] // 2,816 registers a warp: 20 warps
    [InlineData(256, 17952, 42, 5)] // 1,536 registers a warp: 40 warps
    [InlineData(256, 17952, 128, 2)]
    [InlineData(512, 1000, 32, 3)] // 1536 threads
    [InlineData(64, 48 * 1024, 32, 3)] // 164 KiB, one of each group's the system's
    [InlineData(64, 0, 16, 16)]
    [InlineData(1024, 48 * 1024, 255, 1)]
    public void A_multiprocessor_holds_what_its_registers_threads_and_shared_memory_allow(int threads, int shared, int registers, int groups) =>
        Occupancy.Groups(Orin, threads, shared, registers).ShouldBe(groups);

    [Theory]
    [InlineData(5, 1, 5, 4, 5.0)]
    [InlineData(6, 1, 5, 4, 5 + 3.0)] // four warps alone are as slow as twelve
    [InlineData(58, 16, 5, 8, 4.0)]
    [InlineData(96, 16, 5, 8, 5 + 1.5)]
    [InlineData(2, 16, 5, 8, 1.5)]
    [InlineData(160, 16, 5, 8, 10.0)]
    public void The_last_wave_is_as_long_as_its_few_groups_need(int groups, int multiprocessors, int resident, int warps, double time) =>
        Occupancy.Waves(groups, multiprocessors, resident, warps).ShouldBe(time);

    [Fact]
    public void Every_plan_takes_each_neuron_once_in_a_group_that_a_device_can_run()
    {
        foreach (DeviceTarget target in DeviceTable.All)
        {
            foreach (IlgpuFeedForwardPlan plan in Plans(target))
            {
                string where = $"{target.Name}, {plan.ClassName}";
                (plan.Slices * plan.SliceNeurons).ShouldBeGreaterThanOrEqualTo(plan.Intermediate, where);
                ((plan.Slices - 1) * plan.SliceNeurons).ShouldBeLessThan(plan.Intermediate, where);
                plan.WarpNeurons.ShouldBeInRange(IlgpuFeedForwardPlan.PredictedAtOnce, 32, where);
                plan.SliceNeurons.ShouldBeLessThanOrEqualTo(plan.Threads, where);
                plan.SharedBytes.ShouldBeLessThanOrEqualTo(DeviceTable.MaxSharedBytes, where);
                (plan.JoinWarps * plan.JoinSlices).ShouldBeGreaterThanOrEqualTo(plan.Slices, where);
                plan.JoinWarps.ShouldBeInRange(1, 32, where);
                plan.Imbalance.ShouldBeGreaterThan(0.99, where);
                SlicePlanner.Candidates(plan.Shape, target).Min(SlicePlanner.Microseconds).ShouldBe(SlicePlanner.Microseconds(plan), where);
            }
        }
    }

    [Fact]
    public void Seven_billions_leave_no_multiprocessor_long_idle()
    {
        foreach (DeviceTarget target in DeviceTable.All)
        {
            IlgpuFeedForwardPlan plan = Plan(4096, 11008, WeightType.F16, target);
            plan.Imbalance.ShouldBeLessThan(1.5, target.Name);
            SlicePlanner.JoinMicroseconds(plan).ShouldBeLessThan(0.2 * SlicePlanner.Microseconds(plan), target.Name);
        }
    }

    [Fact]
    public void A_wide_device_does_not_make_a_slice_of_a_warps_least()
    {
        // One of 32 neurons for each of 128 multiprocessors and more made 344 partial sums.
        IlgpuFeedForwardPlan plan = Plan(4096, 11008, WeightType.F16, DeviceTable.Find("rtx-4090")!);
        plan.Slices.ShouldBe(115);
        plan.Threads.ShouldBe(384);
    }

    private static IEnumerable<IlgpuFeedForwardPlan> Plans(DeviceTarget target) =>
        from type in new[] { WeightType.F32, WeightType.F16, WeightType.Q8_0, WeightType.Q4_0 }
        from shape in new[] { (4096, 11008), (2048, 5632), (8192, 28672), (16384, 53248), (288, 768), (64, 5), (100, 33) }
        select Plan(shape.Item1, shape.Item2, type, target);

    private static IlgpuFeedForwardPlan Plan(int hidden, int intermediate, WeightType type, DeviceTarget target) =>
        IlgpuFeedForwardPlan.Of(new FeedForwardSpec(hidden, intermediate, Activation.Relu, "0", Gated: true, Biases: false), type, target);
}
