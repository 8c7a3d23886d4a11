using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>Where an activation that needs all gates is computed, and where its cut lies.</summary>
public sealed class GaussianTopKTests
{
    private const string FeedForward = "[FeedForward(Hidden = {0}, Intermediate = 704, Activation = Activation.GaussianTopK, Sparsity = 0.95f)]";

    private static readonly string Alone = "using SparseInfer;\n" + Declared.Layer(FeedForward.Replace("{0}", "64", StringComparison.Ordinal));

    [Theory]
    [InlineData("0.001", -3.0902323061678132)]
    [InlineData("0.25", -0.6744897501960817)]
    [InlineData("0.5", 0)]
    [InlineData("0.8", 0.8416212335729143)]
    [InlineData("0.95", 1.6448536269514722)]
    [InlineData("0.999", 3.090232306167813)]
    public void A_share_of_a_normal_distribution_lies_below_its_quantile(string share, double quantile) =>
        Math.Abs(NormalQuantile.Of(share) - quantile).ShouldBeLessThanOrEqualTo(Math.Abs(quantile) * 1.2e-7 + 1e-15);

    [Fact]
    public void A_layer_alone_has_it() => Reported(GeneratedProject.Compilation(Alone).WithIlgpu()).ShouldBeEmpty();

    [Fact]
    public void A_decoder_has_it() => Reported(GeneratedProject.Compilation(Model())).ShouldBeEmpty();

    [Theory]
    [InlineData("[Experts(Count = 4, Active = 2)]", "the neurons of experts have no cut, which Activation.GaussianTopK has; remove [Experts], or write another activation")]
    [InlineData(
        "[Dense, InputThreshold(FeedForward = 0.1f)]",
        "channels of the feed-forward's input are left out by [InputThreshold] where every neuron is activated at once, but Activation.GaussianTopK cuts relative to "
            + "all of them; remove 'FeedForward' from [InputThreshold], or write another activation")]
    public void What_a_decoder_does_not_have_with_it_it_says(string attributes, string limit)
    {
        Diagnostic refused = Reported(GeneratedProject.Compilation(Model(attributes))).ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldBe($"Nothing is generated for 'M': {limit}");
    }

    private static string Model(params string[] attributes) =>
        "using SparseInfer;\n" + Declared.Model([FeedForward.Replace("Hidden = {0}, ", "", StringComparison.Ordinal), .. attributes]);

    private static IEnumerable<Diagnostic> Reported(CSharpCompilation project) =>
        GeneratedProject.Driver().RunGenerators(project).GetRunResult().Diagnostics;
}
