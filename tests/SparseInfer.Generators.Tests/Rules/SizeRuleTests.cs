using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0009 to SPI0014: sizes and numbers.</summary>
public sealed class SizeRuleTests
{
    [Theory]
    [InlineData("[DecoderModel(Hidden = {|SPI0009:0|}, Layers = {|SPI0009:-1|}, Vocabulary = {|SPI0009:1 - 3|}, Context = 4)]")]
    [InlineData("[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = 512, Context = {|SPI0009:0|})]")]
    [InlineData("[{|SPI0009:{|SPI0009:DecoderModel|}|}(Layers = 8, Vocabulary = 512)]")]
    [InlineData("[{|SPI0009:Attention|}]")]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = {|SPI0009:-8|})]")]
    [InlineData("[Attention(Heads = 8, HeadDimension = {|SPI0009:-2|})]")]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = 0, HeadDimension = 0)]")]
    [InlineData("[FeedForward(Intermediate = {|SPI0009:-704|})]")]
    [InlineData("[{|SPI0009:FeedForward|}]")]
    public Task A_models_sizes_are_positive(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[{|SPI0009:FeedForward|}(Intermediate = 192)]")]
    [InlineData("[FeedForward(Hidden = {|SPI0009:-1|}, Intermediate = {|SPI0009:0|})]")]
    public Task A_layers_sizes_are_positive(string attribute) => Diagnose.Expect(Declared.Layer(attribute));

    [Theory]
    [InlineData("[DecoderModel(Hidden = {|SPI0010:1048608|}, Layers = {|SPI0010:1025|}, Vocabulary = 9, Context = 9)]")]
    [InlineData("[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = {|SPI0010:4194305|}, Context = {|SPI0010:1048577|})]")]
    [InlineData("[DecoderModel(Hidden = 256, Layers = 1024, Vocabulary = 4194304, Context = 1048576)]")]
    [InlineData("[DecoderModel(Hidden = 4128, Layers = 8, Vocabulary = {|SPI0010:4194304|}, Context = 128)]")]
    [InlineData("[FeedForward(Intermediate = {|SPI0010:int.MaxValue|})]")]
    [InlineData("[Attention(Heads = {|SPI0010:8388608|}, HeadDimension = 2)]")]
    [InlineData("[Attention(Heads = 2048, HeadDimension = {|SPI0010:514|})]")]
    [InlineData("[Attention(Heads = 2048, HeadDimension = 512)]")]
    public Task A_models_sizes_are_addressable(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[FeedForward(Hidden = 1048576, Intermediate = 16384)]")]
    [InlineData("[FeedForward(Hidden = 1048576, Intermediate = {|SPI0010:16385|})]")]
    [InlineData("[FeedForward(Hidden = {|SPI0010:2147483647|}, Intermediate = {|SPI0010:2147483647|})]")]
    public Task A_layers_matrices_are_addressable(string attribute) => Diagnose.Expect(Declared.Layer(attribute));

    [Fact]
    public Task The_projections_of_attention_are_addressable() => Diagnose.Expect(Declared.Model(
        "[DecoderModel(Hidden = 65536, Layers = 8, Vocabulary = 512, Context = 128)]",
        "[Attention(Heads = 1024, HeadDimension = {|SPI0010:512|})]"));

    [Theory]
    [InlineData("[Attention(Heads = 1, HeadDimension = 1024)]")]
    [InlineData("[Attention(Heads = 1, HeadDimension = {|SPI0010:1026|})]")]
    [InlineData("[Attention(Heads = 1, HeadDimension = 1026, RopeDimensions = 1024)]")]
    [InlineData("[Attention(Heads = 1, HeadDimension = 4096, RopeDimensions = {|SPI0010:1026|})]")]
    [InlineData("[Attention(Heads = {|SPI0010:1|})]")]
    public Task The_tables_of_rotary_embedding_are_addressable(string attention) => Diagnose.Expect(Declared.Model(
        "[DecoderModel(Hidden = 2048, Layers = 8, Vocabulary = 512, Context = 1048576)]", attention));

    [Theory]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = {|SPI0011:3|})]")]
    [InlineData("[Attention(Heads = 8, KeyValueHeads = {|SPI0011:16|})]")]
    [InlineData("[Attention(Heads = {|SPI0012:7|})]")]
    [InlineData("[Attention(Heads = {|SPI0012:7|}, KeyValueHeads = {|SPI0011:2|})]")]
    [InlineData("[Attention(Heads = 7, HeadDimension = 32)]")]
    [InlineData("[Attention(Heads = {|SPI0012:512|})]")]
    [InlineData("[Attention(Heads = {|SPI0010:{|SPI0012:int.MaxValue|}|}, KeyValueHeads = {|SPI0010:int.MaxValue|})]")]
    [InlineData("[Attention(Heads = {|SPI0010:{|SPI0012:int.MaxValue|}|}, KeyValueHeads = {|SPI0011:3|})]")]
    public Task Heads_divide(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[Attention(Heads = 8, RopeDimensions = {|SPI0013:-2|})]")]
    [InlineData("[Attention(Heads = 8, RopeDimensions = {|SPI0013:7|})]")]
    [InlineData("[Attention(Heads = 8, RopeDimensions = {|SPI0013:34|})]")]
    [InlineData("[Attention(Heads = 8, RopeDimensions = 32)]")]
    [InlineData("[Attention(Heads = 8, HeadDimension = {|SPI0013:33|})]")]
    [InlineData("[Attention(Heads = 8, HeadDimension = 33, RopeDimensions = 32)]")]
    [InlineData("[Attention(Heads = 8, HeadDimension = 1, RopeDimensions = {|SPI0013:2|})]")]
    [InlineData("[Attention(Heads = {|SPI0013:256|})]")]
    public Task Rotated_dimensions_form_pairs(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[Attention(Heads = 8, RopeTheta = {|SPI0014:0|}, RopeScaling = {|SPI0014:float.NaN|})]")]
    [InlineData("[Attention(Heads = 8, RopeTheta = {|SPI0014:float.PositiveInfinity|}, RopeScaling = {|SPI0014:-1|})]")]
    [InlineData("[RmsNorm(Epsilon = {|SPI0014:-1e-5f|})]")]
    [InlineData("[Embedding(Scale = {|SPI0014:float.NegativeInfinity|})]")]
    [InlineData("[Embedding(Scale = 12)]")]
    public Task Numbers_are_finite_and_positive(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[RmsNorm(Epsilon = {|SPI0038:1e5f|})]")]
    [InlineData("[RmsNorm(Epsilon = {|SPI0038:0.011f|})]")]
    [InlineData("[RmsNorm(Epsilon = {|SPI0038:1e-13f|})]")]
    [InlineData("[RmsNorm(Epsilon = 1e-12f)]")]
    [InlineData("[RmsNorm(Epsilon = 0.01f)]")]
    [InlineData("[Attention(Heads = 8, RopeTheta = {|SPI0038:1|}, RopeScaling = {|SPI0038:0.25f|})]")]
    [InlineData("[Attention(Heads = 8, RopeTheta = {|SPI0038:1e11f|}, RopeScaling = {|SPI0038:5000|})]")]
    [InlineData("[Attention(Heads = 8, RopeTheta = 500, RopeScaling = 32)]")]
    [InlineData("[Attention(Heads = 8, RopeTheta = 75e6f, RopeScaling = 1)]")]
    [InlineData("[Embedding(Scale = {|SPI0038:1e-6f|})]")]
    [InlineData("[Embedding(Scale = {|SPI0038:1e4f|})]")]
    [InlineData("[Embedding(Scale = 73.32f)]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = {|SPI0038:50|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = 0)]")]
    public Task Numbers_are_of_the_size_that_models_have(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[YarnScaling(Factor = 20, OriginalContext = 4096)]")]
    [InlineData("[YarnScaling(Factor = 20, OriginalContext = 4096, BetaFast = 16, BetaSlow = 2, AttentionFactor = 1)]")]
    [InlineData("[Llama3Scaling(Factor = 8, OriginalContext = 8192)]")]
    [InlineData("[FrequencyFactors]")]
    [InlineData("[{|SPI0050:{|SPI0050:YarnScaling|}|}]")]
    [InlineData("[YarnScaling(Factor = {|SPI0050:1|}, OriginalContext = {|SPI0050:0|})]")]
    [InlineData("[YarnScaling(Factor = {|SPI0050:float.NaN|}, OriginalContext = 64, BetaSlow = {|SPI0050:32|})]")]
    [InlineData("[YarnScaling(Factor = 2, OriginalContext = 64, BetaFast = {|SPI0050:0.5f|}, AttentionFactor = {|SPI0050:-1|})]")]
    [InlineData("[YarnScaling(Factor = 2, OriginalContext = 64, BetaSlow = {|SPI0050:0|})]")]
    [InlineData("[Llama3Scaling(Factor = 8, OriginalContext = {|SPI0050:-1|}, HighFrequencyFactor = {|SPI0050:1|})]")]
    [InlineData("[Llama3Scaling(Factor = 8, OriginalContext = 64, LowFrequencyFactor = {|SPI0050:float.PositiveInfinity|})]")]
    [InlineData("[FrequencyFactors, {|SPI0050:Llama3Scaling|}(Factor = 8, OriginalContext = 64)]")]
    [InlineData("[Attention(Heads = 8, RopeScaling = {|SPI0050:4|}), FrequencyFactors]")]
    [InlineData("[Attention(Heads = 8, RopeScaling = 1), FrequencyFactors]")]
    public Task Rotary_scaling_does_not_contradict_itself(string attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Fact]
    public Task The_epsilon_of_a_layer_norm_is_positive() => Diagnose.Expect(
        "[DecoderModel(Hidden = 64, Layers = 1, Vocabulary = 9, Context = 9), Attention(Heads = 1), FeedForward(Intermediate = 64), "
        + "LayerNorm(Epsilon = {|SPI0014:0f|}), Weights(WeightType.F32)] partial class M;");
}
