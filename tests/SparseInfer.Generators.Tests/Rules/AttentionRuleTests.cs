using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0047 to SPI0049: what families have in their attention, and at their embedding.</summary>
public sealed class AttentionRuleTests
{
    private const string Sizes = "[DecoderModel(Hidden = 64, Layers = 4, Vocabulary = 9, Context = 64), FeedForward(Intermediate = 64), Weights(WeightType.F32)]";

    [Theory]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = {|SPI0047:true|}), LayerNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = false), LayerNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = true), RmsNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = true), RmsNorm, {|SPI0007:LayerNorm|}")]
    public Task Norms_of_heads_have_the_epsilon_of_a_norm_of_their_kind(string attributes) => Diagnose.Expect($"{Sizes} [{attributes}] partial class M;");
}
