using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0044 to SPI0046: what families have in their attention, and at their embedding.</summary>
public sealed class AttentionRuleTests
{
    private const string Sizes = "[DecoderModel(Hidden = 64, Layers = 4, Vocabulary = 9, Context = 64), FeedForward(Intermediate = 64), Weights(WeightType.F32)]";

    [Theory]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = {|SPI0044:true|}), LayerNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = false), LayerNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = true), RmsNorm")]
    [InlineData("Attention(Heads = 1, QueryKeyNorms = true), RmsNorm, {|SPI0007:LayerNorm|}")]
    public Task Norms_of_heads_have_the_epsilon_of_a_norm_of_their_kind(string attributes) => Diagnose.Expect($"{Sizes} [{attributes}] partial class M;");

    [Theory]
    [InlineData("SlidingWindow(Window = 16), SlidingWindow(Window = 8, Layers = {|SPI0045:\"3\"|})")]
    [InlineData("SlidingWindow(Window = 16, Layers = \"1\", Period = 2), SlidingWindow(Window = 8, Layers = {|SPI0045:\"2..3\"|})")]
    [InlineData("SlidingWindow(Window = 16, Layers = \"1\", Period = 2), SlidingWindow(Window = 8, Layers = \"0, 2\")")]
    [InlineData("SlidingWindow(Window = 16, Layers = \"0\", Period = {|SPI0045:5|})")]
    [InlineData("NoRope(Layers = \"0\", Period = {|SPI0045:5|})")]
    [InlineData("NoRope(Layers = \"0\", Period = 4)")]
    [InlineData("{|SPI0009:SlidingWindow|}")]
    [InlineData("SlidingWindow(Window = {|SPI0009:-1|}, Period = {|SPI0009:-4|})")]
    [InlineData("SlidingWindow(Window = {|SPI0010:1048577|})")]
    [InlineData("SlidingWindow(Window = 1048576)")]
    [InlineData("NoRope(Period = {|SPI0009:-1|})")]
    [InlineData("SlidingWindow(Window = 4, Layers = {|SPI0022:\"x\"|})")]
    [InlineData("NoRope(Layers = {|SPI0022:\"3..1\"|})")]
    [InlineData("SlidingWindow(Window = 4, Layers = {|SPI0023:\"1..4\"|})")]
    [InlineData("NoRope(Layers = {|SPI0023:\"2\"|}, Period = 2)")]
    public Task Layers_have_one_window_and_periods_are_within_the_model(string attributes) =>
        Diagnose.Expect($"{Sizes} [Attention(Heads = 1), RmsNorm, {attributes}] partial class M;");

    [Theory]
    [InlineData("RopeTheta = {|SPI0045:5000|}", "NoRope")]
    [InlineData("RopePairing = {|SPI0045:RopePairing.HalfSplit|}", "NoRope(Layers = \"0..\")")]
    [InlineData("RopeDimensions = {|SPI0045:8|}, RopeScaling = {|SPI0045:2|}", "NoRope(Layers = \"0\", Period = 1)")]
    [InlineData("RopeTheta = 5000", "NoRope(Layers = \"0\", Period = 4)")]
    [InlineData("HeadDimension = 33", "NoRope")]
    public Task What_is_never_rotated_says_nothing_of_a_rotation(string attention, string attribute) =>
        Diagnose.Expect($"{Sizes} [Attention(Heads = 1, {attention}), RmsNorm, {attribute}] partial class M;");

    [Theory]
    [InlineData("Embedding(LearnedPositions = 64, PositionOffset = 2), NoRope")]
    [InlineData("Embedding(LearnedPositions = 100), NoRope(Layers = \"0..3\")")]
    [InlineData("Embedding(LearnedPositions = {|SPI0046:63|}), NoRope")]
    [InlineData("Embedding(LearnedPositions = {|SPI0046:64|})")]
    [InlineData("Embedding(LearnedPositions = {|SPI0046:64|}), NoRope(Layers = \"0\", Period = 2)")]
    [InlineData("Embedding(LearnedPositions = {|SPI0009:-1|}, PositionOffset = {|SPI0009:-2|})")]
    [InlineData("Embedding(PositionOffset = {|SPI0046:2|})")]
    [InlineData("Embedding(LearnedPositions = {|SPI0010:1048577|}), NoRope")]
    public Task Learned_positions_reach_as_far_as_the_context_and_nothing_is_rotated_beside_them(string attributes) =>
        Diagnose.Expect($"{Sizes} [Attention(Heads = 1), RmsNorm, {attributes}] partial class M;");
}
