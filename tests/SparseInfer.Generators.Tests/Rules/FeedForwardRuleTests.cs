using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0015 to SPI0021 and SPI0054 to SPI0056: the feed-forward, the weights and undefined values.</summary>
public sealed class FeedForwardRuleTests
{
    [Theory]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.DRelu, Gated = {|SPI0015:false|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.DRelu)]")]
    [InlineData("[FeedForward(Intermediate = 704, Threshold = {|SPI0016:0.01f|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Threshold = {|SPI0016:0|}, Activation = Activation.Silu)]")]
    [InlineData("[{|SPI0017:FeedForward|}(Intermediate = 704, Activation = Activation.FatRelu)]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = {|SPI0017:-0.01f|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = {|SPI0017:float.NaN|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = {|SPI0017:1 / 0f|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = 0)]")]
    [InlineData("[FeedForward(Intermediate = 704, Hidden = {|SPI0018:256|})]")]
    [InlineData("[FeedForward(Hidden = {|SPI0018:512|}, Intermediate = 704)]")]
    public Task The_feed_forward_agrees_with_itself(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[{|SPI0054:FeedForward|}(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK)]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = {|SPI0054:0|})]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = {|SPI0054:1|})]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = {|SPI0054:float.NaN|})]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.Gelu, Sparsity = {|SPI0054:0.95f|})]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.95f, Threshold = {|SPI0016:0.1f|})]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.001f)]")]
    [InlineData("[FeedForward(Hidden = 64, Intermediate = 96, Activation = Activation.GaussianTopK, Sparsity = 0.999f, Gated = false)]")]
    public Task Gaussian_top_k_has_a_share_to_cut(string attribute) => Diagnose.Expect(Declared.Layer(attribute));

    [Theory]
    [InlineData("[{|SPI0019:Weights|}]")]
    [InlineData("[{|SPI0019:Weights|}()]")]
    [InlineData("[{|SPI0019:Weights|}(null!)]")]
    [InlineData("[Weights(WeightType.F16, WeightType.F32, {|SPI0019:WeightType.F16|})]")]
    [InlineData("[Weights([WeightType.F16, {|SPI0019:WeightType.F16|}])]")]
    [InlineData("[Weights(new[] { WeightType.F16, {|SPI0019:WeightType.F16|} })]")]
    [InlineData("[Weights(new WeightType[] { WeightType.F16, {|SPI0019:WeightType.F16|} })]")]
    [InlineData("[Weights(types: WeightType.F32)]")]
    public Task Weights_are_named_once_each(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    [Theory]
    [InlineData("[FeedForward(Intermediate = 700)]", "[Weights({|SPI0020:WeightType.Q8_0|}, WeightType.F32, {|SPI0020:WeightType.Q4_0|})]")]
    [InlineData("[FeedForward(Intermediate = 700)]", "[Weights(WeightType.F16, WeightType.BF16, WeightType.F32)]")]
    [InlineData("[Attention(Heads = 3, HeadDimension = 10)]", "[Weights({|SPI0020:WeightType.Q8_0|})]")]
    [InlineData("[Attention(Heads = 3, HeadDimension = 64)]", "[Weights(WeightType.Q8_0)]")]
    [InlineData("[DecoderModel(Hidden = 200, Layers = 1, Vocabulary = 7, Context = 7)]",
        "[Attention(Heads = 10)]", "[Weights({|SPI0020:WeightType.Q4_0|})]")]
    public Task Blocks_divide_every_row(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    /// <summary>A policy's own matrices have any type that is declared for no role, so that one is enough.</summary>
    [Theory]
    [InlineData("[TruncatedSvdPredictor(Rank = 40)]", "[Weights({|SPI0020:WeightType.Q8_0|}, {|SPI0020:WeightType.Q4_0|})]")]
    [InlineData("[TruncatedSvdPredictor(Rank = 64)]", "[Weights(WeightType.Q8_0)]")]
    [InlineData("[TruncatedSvdPredictor(Rank = 40)]", "[Weights(WeightType.Q8_0, WeightType.F16)]")]
    [InlineData("[LowRankPredictor(Rank = 40, Input = PredictorInput.Residual)]", "[Weights(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = WeightRole.FeedForward)]")]
    [InlineData("[VocabularyPredictor(Rank = 40)]", "[Weights({|SPI0020:WeightType.Q8_0|})]", "[Weights(WeightType.F16, Role = WeightRole.Head)]")]
    public Task Blocks_divide_the_rows_of_a_policys_matrices(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[FeedForward(Intermediate = 700)]", "[Weights(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = WeightRole.Attention | WeightRole.Head)]")]
    [InlineData("[FeedForward(Intermediate = 700)]", "[Weights(WeightType.F16)]", "[Weights({|SPI0020:WeightType.Q8_0|}, Role = WeightRole.FeedForward)]")]
    [InlineData("[FeedForward(Intermediate = 700)]", "[Weights({|SPI0020:WeightType.Q8_0|})]", "[Weights(WeightType.F16, Role = WeightRole.Embedding)]")]
    [InlineData("[Attention(Heads = 3, HeadDimension = 10)]", "[Weights(WeightType.Q8_0)]", "[Weights(WeightType.F16, Role = WeightRole.Attention)]")]
    [InlineData("[Attention(Heads = 3, HeadDimension = 10)]", "[Weights(WeightType.F16)]", "[Weights({|SPI0020:WeightType.Q8_0|}, Role = WeightRole.Attention)]")]
    public Task Blocks_divide_the_rows_of_their_role(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Weights(WeightType.F16)]", "[{|SPI0055:Weights|}(WeightType.Q8_0)]")]
    [InlineData("[Weights(WeightType.F16, Role = WeightRole.Attention)]", "[Weights(WeightType.Q8_0, Role = {|SPI0055:WeightRole.Head | WeightRole.Attention|})]", "[Weights(WeightType.F16)]")]
    [InlineData("[{|SPI0055:Weights|}(WeightType.F16, Role = WeightRole.FeedForward)]", "[Weights(WeightType.Q8_0, Role = WeightRole.Head | WeightRole.Attention)]")]
    [InlineData("[{|SPI0055:Weights|}(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = WeightRole.Embedding | WeightRole.Attention | WeightRole.FeedForward | WeightRole.Head)]")]
    [InlineData("[Weights(WeightType.Q8_0, Role = WeightRole.Embedding | WeightRole.Attention | WeightRole.FeedForward | WeightRole.Head)]")]
    [InlineData("[Weights(WeightType.Q8_0, Role = WeightRole.Embedding | WeightRole.Attention | WeightRole.FeedForward)]", "[Embedding(Tied = true)]")]
    [InlineData("[Weights(WeightType.F16)]", "[{|SPI0019:Weights|}(Role = WeightRole.Head)]")]
    public Task Every_matrix_has_one_list_of_weight_types(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Weights(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = {|SPI0056:WeightRole.Attention | WeightRole.Head|})]", "[Embedding(Tied = true)]")]
    [InlineData("[Weights(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = {|SPI0056:(WeightRole)16|})]")]
    [InlineData("[Weights(WeightType.F16)]", "[Weights(WeightType.Q8_0, Role = {|SPI0056:(WeightRole)(-1)|})]")]
    [InlineData("[Weights(WeightType.F16, Role = WeightRole.None)]")]
    public Task Roles_have_matrices(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("[Weights(WeightType.F16, Role = {|SPI0056:WeightRole.FeedForward|})]")]
    [InlineData("[Weights(WeightType.F16)]", "[{|SPI0056:Weights|}(WeightType.Q8_0)]")]
    public Task A_layer_alone_has_no_roles(params string[] attributes) => Diagnose.Expect(Declared.Layer(attributes));

    [Fact]
    public Task Blocks_divide_a_row_of_a_layer() => Diagnose.Expect(Declared.Layer(
        "[FeedForward(Hidden = 33, Intermediate = 64, Gated = false)]", "[Weights({|SPI0020:WeightType.Q8_0|})]"));

    [Theory]
    [InlineData("[FeedForward(Intermediate = 704, Activation = {|SPI0021:(Activation)77|})]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = {|SPI0021:(Activation)(-1)|}, Threshold = 1)]")]
    [InlineData("[Attention(Heads = 8, RopePairing = {|SPI0021:(RopePairing)2|})]")]
    [InlineData("[Weights(WeightType.F16, {|SPI0021:(WeightType)99|})]")]
    public Task Enum_values_are_named_ones(string attribute) => Diagnose.Expect(Declared.Model(attribute, "[Dense]"));
}
