using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Execution;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>Which GPU programs decode sequences together: those in which a sequence has the bits that it has alone.</summary>
public sealed class TogetherTextTests
{
    /// <summary>
    /// A block type's inputs are rounded in shared memory. Where they fit there, but not beside the feed-forward's lists, that one rounds none,
    /// and no sequence is decoded with others.
    /// </summary>
    [Theory]
    [InlineData("VeryWide", true, true)]
    [InlineData("WiderThanSharedMemoryWithLists", true, false)]
    [InlineData("WiderThanSharedMemory", false, false)]
    public void Sequences_are_together_where_every_input_is_rounded(string name, bool sharesRows, bool decodesTogether)
    {
        DecoderCase model = GpuZoo.Models.Single(model => model.Name == name);
        INamedTypeSymbol declared = GpuZoo.Complete.GetTypeByMetadataName(model.FullName).ShouldNotBeNull();
        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(
            ModelParser.Read(Declaration.From(declared, DeclarationLanguage.Vocabulary, ProfileFiles.None, TestContext.Current.CancellationToken)!).ShouldNotBeNull());
        plan.SharesInput(RowPlan.Of(WeightType.Q8_0, model.Hidden)).ShouldBe(sharesRows);

        string text = GpuZoo.Sources.Single(source => source.HintName == $"{model.FullName.Replace('+', '.')}.Ilgpu.g.cs").SourceText.ToString();
        text.Contains("class Together", StringComparison.Ordinal).ShouldBe(decodesTogether);
        text.Contains("CreateBatch", StringComparison.Ordinal).ShouldBe(decodesTogether);
        KernelTable.Of(plan).Any(kernel => kernel.Together > 0).ShouldBe(decodesTogether);
    }
}
