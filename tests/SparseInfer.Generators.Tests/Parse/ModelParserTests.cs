using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Parse;

public sealed class ModelParserTests
{
    private const string ProSparse =
        """
        namespace Zoo.Llama;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 2048)]
        [Attention(Heads = 32, KeyValueHeads = 8, RopeTheta = 10000)]
        [FeedForward(Intermediate = 11008, Activation = Activation.FatRelu, Threshold = 0.01f, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.00f, Layers = "20..")]
        [SignBitPredictor(Alpha = 1.03f, Layers = "0..19")]
        [Weights(WeightType.F16, WeightType.Q8_0)]
        public sealed partial class ProSparseLlama7B;
        """;

    [Fact]
    public void ADeclaredModelBecomesASpecWithEveryDefaultFilledIn()
    {
        ModelSpec spec = Parsed.Model(ProSparse, "Zoo.Llama.ProSparseLlama7B").ShouldNotBeNull();

        (spec.Target.FullName, spec.Target.Accessibility, spec.Target.ContainingTypes.Count).ShouldBe(("Zoo.Llama.ProSparseLlama7B", "public", 0));
        (spec.Layers, spec.Vocabulary, spec.Context).ShouldBe((32, 32000, 2048));
        spec.FeedForward.ToString().ShouldBe(
            "FeedForwardSpec { Hidden = 4096, Intermediate = 11008, Activation = FatRelu, Threshold = 0.01, Gated = True, Biases = False }");
        spec.Attention.ToString().ShouldBe(
            "AttentionSpec { Heads = 32, KeyValueHeads = 8, HeadDimension = 128, RopeTheta = 10000, RopeScaling = 1, RopeDimensions = 128, "
            + "RopePairing = Interleaved, QueryKeyValueBiases = False, OutputBias = False }");
        spec.Norm.ShouldBe(new NormSpec(NormKind.Rms, 1e-5f));
        spec.Embedding.ShouldBe(new EmbeddingSpec(false, 1f));
        spec.Weights.Select(type => type.ToString()).ShouldBe(["F16", "Q8_0"]);
        Text(spec.Policies).ShouldBe("0..19 SignBitSpec { Alpha = 1.03 }; 20..31 SignBitSpec { Alpha = 1 }");
    }

    private static string Text(IEnumerable<LayerPolicy> policies) =>
        string.Join("; ", policies.Select(policy => $"{policy.First}..{policy.Last} {policy.Policy}"));
}
