using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>What families have that no GPU kernel computes yet: it is said by its name, where there is code for GPUs, and never left out.</summary>
public sealed class RefusedFamilyTests
{
    [Theory]
    [InlineData("LearnedPositions", "AddPosition")]
    public void An_operation_without_a_kernel_is_named(string model, string operation)
    {
        GeneratorRunResult result = GeneratedProject.Driver()
            .RunGenerators(GeneratedProject.Compilation([DecoderZoo.Families.Single(family => family.Name == model).Source]).WithIlgpu()).GetRunResult().Results.Single();

        Diagnostic refused = result.Diagnostics.ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldContain(operation);
        result.GeneratedSources.Select(source => source.HintName).ShouldNotContain(name => name.EndsWith($"{model}.Ilgpu.g.cs", StringComparison.Ordinal));
    }

    [Fact]
    public void Families_that_have_kernels_are_in_the_zoo_of_gpus() =>
        DecoderZoo.FamiliesOnGpu.Select(family => family.Name).ShouldBe(["NormedHeads", "NormedOddHeads", "Window", "Windows", "WindowsBetweenUnrotatedLayers", "NeverRotated"]);
}
