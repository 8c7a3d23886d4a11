using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

public sealed class CleanDeclarationTests
{
    [Fact]
    public Task A_whole_model_is_clean() => Diagnose.Expect(
        """
        namespace Zoo;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 32, RopeTheta = 10000)]
        [FeedForward(Intermediate = 11008, Activation = Activation.FatRelu, Threshold = 0.01f, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.03f, Layers = "0..19")]
        [SignBitPredictor(Alpha = 1.00f, Layers = "20..")]
        [Weights(WeightType.F16)]
        public sealed partial class ProSparseLlama7B;
        """);

    [Fact]
    public Task A_layer_alone_is_clean() => Diagnose.Expect(
        """
        public static partial class Layers
        {
            [FeedForward(Hidden = 2048, Intermediate = 8192, Activation = Activation.SquaredRelu, Gated = false)]
            [SignBitPredictor(Alpha = 1.01f)]
            [Weights(WeightType.F32)]
            public static partial FeedForwardKernel Mlp { get; }
        }
        """);

    [Fact]
    public Task Attributes_may_be_spread_over_the_parts() => Diagnose.Expect(
        """
        [DecoderModel(Hidden = 30, Layers = 2, Vocabulary = 9, Context = 9), Attention(Heads = 3), LayerNorm]
        internal partial class M;

        [Weights(WeightType.BF16), FeedForward(Intermediate = 7, Activation = Activation.Gelu), Dense, Embedding(Tied = true)]
        partial class M { static M() { } }
        """);

    [Fact]
    public Task Code_without_declarations_is_nobodys_business() =>
        Diagnose.Expect("[System.Obsolete] class C<T> { [System.Obsolete] int this[int i] { get => i; set { } } }");

    [Fact]
    public Task What_the_compiler_rejects_is_left_to_the_compiler() =>
        Diagnose.Expect("[DecoderModel(Hidden = \"4096\"), Attention(Heads = -1), Weights((WeightType)true)] class M;", "CS0029", "CS0030");

    [Theory]
    [InlineData("[SparseInfer.Audit] partial class C { [SparseInfer.Audit] static int P => 1; }", "Audit")]
    [InlineData("[SparseInfer.Target] partial class C { [SparseInfer.Target] static int P => 1; }", "Target")]
    [InlineData("[SparseInfer.DecoderModel] partial class C { }", "DecoderModel")]
    public Task Attributes_of_the_users_own_in_our_namespace_are_not_ours(string use, string name) => Diagnose.Expect(
        $"namespace SparseInfer {{ class {name}Attribute : System.Attribute {{ }} }} " + use);

    [Fact]
    public Task Neither_do_they_hide_ours() => Diagnose.Expect(
        """
        namespace Zoo { class DecoderModelAttribute : System.Attribute { } class FeedForwardAttribute : System.Attribute { } }
        [Zoo.DecoderModel, {|SPI0005:RmsNorm|}] partial class M { [Zoo.FeedForward, {|SPI0005:Weights|}(WeightType.F16)] static int P => 1; }
        """);

    [Fact]
    public Task Attributes_of_the_same_name_elsewhere_are_not_ours() => Diagnose.Expect(
        """
        namespace Other.SparseInfer { class AttentionAttribute : System.Attribute { } }
        [Other.SparseInfer.Attention] class M;
        """);
}
