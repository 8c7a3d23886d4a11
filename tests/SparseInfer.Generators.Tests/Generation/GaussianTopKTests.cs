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
    public void A_decoder_does_not_have_it_and_says_so()
    {
        string model = "using SparseInfer;\n" + Declared.Model(FeedForward.Replace("Hidden = {0}, ", "", StringComparison.Ordinal));
        Diagnostic refused = Reported(GeneratedProject.Compilation(model)).ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldBe("Nothing is generated for 'M': no decoder has Activation.GaussianTopK yet; "
            + "declare the feed-forward as a layer alone, on a property, or another activation");
    }

    private static IEnumerable<Diagnostic> Reported(CSharpCompilation project) =>
        GeneratedProject.Driver().RunGenerators(project).GetRunResult().Diagnostics;
}
