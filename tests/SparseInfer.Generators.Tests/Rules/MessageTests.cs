using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>What a user reads: what is wrong, with the numbers, and what to write instead.</summary>
public sealed class MessageTests
{
    [Theory]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = {|SPI0011:3|})]",
        "Heads = 8 is not a multiple of KeyValueHeads = 3, so query heads cannot share them evenly; write 2 or 4")]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = {|SPI0011:9|})]",
        "Heads = 8 is not a multiple of KeyValueHeads = 9, so query heads cannot share them evenly; write 8")]
    [InlineData("[Attention(Heads = {|SPI0012:7|})]",
        "Hidden = 256 is not a multiple of Heads = 7; write Heads = 4 or 8, or say with HeadDimension how wide a head is")]
    [InlineData("[Attention(Heads = 8, RopeDimensions = {|SPI0013:33|})]",
        "RopeDimensions is 33, but rotary embedding turns pairs of a head's 32 elements; write an even number from 2 to 32")]
    [InlineData("[Attention(Heads = 8, HeadDimension = {|SPI0013:33|})]",
        "The head dimension is 33, but rotary embedding turns pairs of a head's 33 elements; "
        + "write an even HeadDimension or RopeDimensions = 32")]
    [InlineData("[{|SPI0009:FeedForward|}]",
        "Intermediate of [FeedForward] must be at least 1, but is not set; write the number of neurons, as in 'Intermediate = 11008'")]
    [InlineData("[FeedForward(Intermediate = {|SPI0010:1048577|})]",
        "Intermediate is 1048577, but generated code supports at most 1048576; declare a smaller size")]
    [InlineData("[FeedForward(Intermediate = 704, Hidden = {|SPI0018:512|})]",
        "Hidden = 512 of [FeedForward] contradicts Hidden = 256 of [DecoderModel]; remove it here, a model has one width")]
    [InlineData("[RmsNorm(Epsilon = {|SPI0014:-0.5f|})]",
        "Epsilon of [RmsNorm] must be finite and positive, but is -0.5; leave it out for 1e-5 or write the model's own")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = {|SPI0021:(Activation)9|})]",
        "9 is no Activation; write one of Relu, FatRelu, SquaredRelu, DRelu, Silu, Gelu, GaussianTopK")]
    [InlineData("[Dense(Layers = {|SPI0022:\"3..1\"|})]",
        "Layers = '3..1' of [Dense] cannot be read, for '3..1' ends before it starts; "
        + "write ranges with both ends included, as in '0..19', '20..' or '0..3, 7'")]
    [InlineData("[Dense(Layers = {|SPI0023:\"0..31\"|})]",
        "Layers = '0..31' of [Dense] runs past layer 7, the model's last; write '0..7'")]
    [InlineData("[Dense(Layers = {|SPI0025:\"1..4, 6..\"|})]",
        "No policy acts in layers 0, 5 of 'M'; widen a range or add [ExactSparsity(Layers = \"0, 5\")]")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0036:98|})]",
        "Alpha = 98 skips a neuron only where more than 253 of 256 signs disagree, which practically never happens; "
        + "alphas lie near 1, as in 'Alpha = 1.03f'")]
    [InlineData("[RmsNorm(Epsilon = {|SPI0038:1e5f|})]",
        "Epsilon of [RmsNorm] is 100000, but models have 1E-12 to 0.01; write the model's own")]
    [InlineData("[SignBitPredictor(Alpha = {|SPI0028:1000|})]",
        "Alpha is 1000, but must be above 0 and at most 100; write for example 'Alpha = 1.03f'")]
    public async Task A_message_says_what_to_write_instead(string attribute, string message) =>
        (await Diagnose.Expect(Declared.Model(attribute))).ShouldBe([message]);

    [Fact]
    public async Task Blocks_that_do_not_fit_are_shown_with_every_width() =>
        (await Diagnose.Expect(Declared.Model(
            "[FeedForward(Intermediate = 700)]", "[Attention(Heads = 3, HeadDimension = 10)]", "[TruncatedSvdPredictor(Rank = 40)]", "[Weights({|SPI0020:WeightType.Q8_0|})]")))
            .ShouldBe(
            [
                "Q8_0 stores blocks of 32 weights, which do not divide Heads * HeadDimension = 30, Intermediate = 700, [TruncatedSvdPredictor] Rank = 40; "
                + "write multiples of 32, or a type without blocks such as F16",
            ]);

    [Fact]
    public async Task Blocks_of_256_that_do_not_fit_are_shown_too() =>
        (await Diagnose.Expect(Declared.Model("[FeedForward(Intermediate = 704)]", "[Weights(WeightType.Q5_1, {|SPI0020:WeightType.Q4_K|})]")))
            .ShouldBe(
            [
                "Q4_K stores blocks of 256 weights, which do not divide Intermediate = 704; "
                + "write multiples of 256, or a type without blocks such as F16",
            ]);

    [Fact]
    public async Task A_missing_type_around_is_named_with_its_keyword() =>
        (await Diagnose.Expect(
            "record struct {|SPI0002:R|} { [FeedForward(Hidden = 4, Intermediate = 4), Weights(WeightType.F32)] "
            + "public static partial FeedForwardKernel P { get; } }",
            "CS0751", "CS9248"))
            .ShouldBe(["'R' must be partial, because the generator completes 'P' inside it; write 'partial record struct R'"]);
}
