using System.Xml.Linq;

namespace SparseInfer.Ilgpu.StandIn.Tests;

public sealed class DocumentationIdTests
{
    [Fact]
    public void Ids_find_methods_properties_indexers_conversions_and_nested_types()
    {
        string[] ids =
        [
            "T:ILGPU.ArrayView`1",
            "T:ILGPU.Stride1D.Dense",
            "P:ILGPU.Grid.IdxX",
            "P:ILGPU.ArrayView`1.Item(System.Int64)",
            "P:ILGPU.Runtime.ArrayView1D`2.Item(ILGPU.Index1D)",
            "M:ILGPU.Group.Barrier",
            "M:ILGPU.Warp.ShuffleXor``1(``0,System.Int32)",
            "M:ILGPU.SharedMemory.Allocate``1(System.Int32)",
            "M:ILGPU.ArrayView`1.Cast``1",
            "M:ILGPU.ArrayView`1.SubView(System.Int64,System.Int64)",
            "M:ILGPU.Half.op_Implicit(ILGPU.Half)~System.Single",
            "M:ILGPU.ArrayView`1.op_Implicit(ILGPU.Runtime.ArrayView1D{`0,ILGPU.Stride1D.Dense})~ILGPU.ArrayView{`0}",
            "M:ILGPU.KernelConfig.op_Implicit(System.ValueTuple{ILGPU.Index1D,ILGPU.Index1D})~ILGPU.KernelConfig",
            "M:ILGPU.KernelConfig.#ctor(ILGPU.Index1D,ILGPU.Index1D)",
            "M:ILGPU.Context.Create(System.Action{ILGPU.Context.Builder})",
            "M:ILGPU.Runtime.KernelLoaders.LoadStreamKernel``2(ILGPU.Runtime.Accelerator,System.Action{``0,``1})",
            "M:ILGPU.Runtime.Accelerator.CreatePageLockFromPinned``1(``0[])",
        ];
        DocumentationIds.Missing(ids, typeof(ArrayView<>).Assembly).ShouldBeEmpty();
    }

    [Fact]
    public void An_id_that_names_nothing_is_missing()
    {
        DocumentationIds.Missing(["M:ILGPU.Warp.ShuffleXor``1(``0,System.Int64)", "P:ILGPU.Grid.IdxX"], typeof(ArrayView<>).Assembly)
            .ShouldBe(["M:ILGPU.Warp.ShuffleXor``1(``0,System.Int64)"]);
    }

    [Fact]
    public void Ids_are_the_ones_that_the_compiler_writes()
    {
        // The compiler documents internal members too: of its ids, each that a public member has must be found as it stands.
        var assembly = typeof(ArrayView<>).Assembly;
        var written = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"))
            .Descendants("member")
            .Select(member => member.Attribute("name")!.Value)
            .ToHashSet();
        var documented = DocumentationIds.In(assembly).Keys.Where(written.Contains).ToList();
        documented.Count.ShouldBeGreaterThan(60);
        written.Where(id => id.Contains("LaunchCounters.") || id.Contains("StandInControl.")).Except(documented)
            .ShouldAllBe(id => id.Contains("#ctor") || id.Contains('('));
    }
}
