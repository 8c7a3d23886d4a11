using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Program;

/// <summary>What families have that GPUs do not compute is refused where it is declared, and never left out.</summary>
public sealed class FamilyOnGpuTests
{
    public static TheoryData<string> Names { get; } = [.. DecoderZoo.Families.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_family_that_no_kernels_compute_is_refused(string name)
    {
        DecoderCase declared = DecoderZoo.Families.Single(model => model.Name == name);
        GeneratorRunResult result = GeneratedProject.Driver()
            .RunGenerators(GeneratedProject.Compilation(declared.Source).WithIlgpu(), TestContext.Current.CancellationToken)
            .GetRunResult().Results.ShouldHaveSingleItem();
        result.Diagnostics.ShouldHaveSingleItem().Id.ShouldBe("SPI0043");
        result.GeneratedSources.ShouldHaveSingleItem(); // the stub
    }
}
