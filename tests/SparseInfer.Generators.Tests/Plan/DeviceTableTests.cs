using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators.Tests.Plan;

public sealed class DeviceTableTests
{
    [Fact]
    public void Every_name_finds_its_device_and_none_two()
    {
        DeviceTable.Names.ShouldBeUnique();
        DeviceTable.All.ShouldAllBe(target => DeviceTable.Find(target.Name) == target);
        DeviceTable.Architectures.ShouldAllBe(name => DeviceTable.Find(name)!.Architecture == name);
    }

    [Theory]
    [InlineData("sm_72", "xavier-agx-64")]
    [InlineData("sm_80", "a100-80")]
    [InlineData("sm_86", "rtx-3090")]
    [InlineData("sm_87", "orin-agx-64")]
    public void An_architecture_is_its_widest_device(string architecture, string device) =>
        DeviceTable.Find(architecture)!.Name.ShouldBe(device);

    [Theory]
    [InlineData("orin-agx", "orin-agx-32")]
    [InlineData("SM87", "sm_87")]
    [InlineData("rtx4090", "rtx-4090")]
    [InlineData("4090", "rtx-4090")]
    [InlineData("thor", "thor-agx-128")]
    public void The_nearest_name_is_a_few_edits_away(string written, string nearest) => DeviceTable.Nearest(written).ShouldBe(nearest);

    [Theory]
    [InlineData("")]
    [InlineData("foo")]
    [InlineData("x")]
    [InlineData("my gpu")]
    [InlineData("sm_35")]
    [InlineData("radeon-7900-xtx")]
    public void Where_nothing_is_near_nothing_is_suggested(string written) => DeviceTable.Nearest(written).ShouldBeNull();

    [Fact]
    public void Figures_are_plausible_ones() => DeviceTable.All.ShouldAllBe(target =>
        target.Multiprocessors > 0 && target.SharedKilobytes * 1024 >= DeviceTable.MaxSharedBytes
        && target.Megahertz > 0 && target.ThreadsPerMultiprocessor % RowPlan.Lanes == 0 && target.GigabytesPerSecond > 0 && target.MemoryBytes > 0);
}
