using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Text;

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
    public void A_declared_model_becomes_a_spec_with_every_default_filled_in()
    {
        ModelSpec spec = Parsed.Model(ProSparse, "Zoo.Llama.ProSparseLlama7B").ShouldNotBeNull();

        (spec.Target.FullName, spec.Target.Accessibility).ShouldBe(("Zoo.Llama.ProSparseLlama7B", "public"));
        spec.Target.ContainingTypes.ShouldBeEmpty();
        (spec.Layers, spec.Vocabulary, spec.Context).ShouldBe((32, 32000, 2048));
        spec.FeedForward.ToString().ShouldBe(
            "FeedForwardSpec { Hidden = 4096, Intermediate = 11008, Activation = FatRelu, Threshold = 0.01, "
            + "Gated = True, Biases = False, Sparsity = 0 }");
        spec.Attention.ShouldBe(new AttentionSpec(
            32, 8, 128, RopeTheta: 10000, RopeScaling: 1, RopeDimensions: 128, RopePairing.Interleaved, QueryKeyValueBiases: false, OutputBias: false,
            QueryKeyNorms: false));
        spec.Norm.ShouldBe(new NormSpec(NormKind.Rms, 1e-5f));
        spec.Embedding.ShouldBe(new EmbeddingSpec(false, 1f));
        spec.Weights.Select(type => type.ToString()).ShouldBe(["F16", "Q8_0"]);
        Text(spec).ShouldBe("0..19 SignBitSpec { Alpha = 1.03 }; 20..31 SignBitSpec { Alpha = 1 }");
    }

    [Fact]
    public void A_role_has_the_types_of_the_attribute_that_names_it_else_of_the_one_that_names_none()
    {
        ModelSpec spec = Parsed.Model(Declared.Model(
            "[Weights(WeightType.Q8_0, WeightType.F16, Role = WeightRole.Attention | WeightRole.Head)]", "[Weights(WeightType.F32)]"), "M").ShouldNotBeNull();
        spec.Weights.ShouldBe([WeightType.F32, WeightType.Q8_0, WeightType.F16]);
        foreach (WeightRole role in new[] { WeightRole.Attention, WeightRole.Head })
        {
            spec.TypesOf(role).ShouldBe([WeightType.Q8_0, WeightType.F16]);
        }

        foreach (WeightRole role in new[] { WeightRole.Embedding, WeightRole.FeedForward, WeightRole.None })
        {
            spec.TypesOf(role).ShouldBe([WeightType.F32]);
        }
    }

    /// <summary>However it is declared, a model whose roles have the same types is one model, and its program the same text.</summary>
    [Fact]
    public void Roles_with_the_same_types_are_no_roles()
    {
        ModelSpec spec = Parsed.Model(Declared.Model(
            "[Weights(WeightType.F16)]", "[Weights(WeightType.F16, Role = WeightRole.Attention)]"), "M").ShouldNotBeNull();
        spec.ShouldBe(Parsed.Model(Declared.Model(), "M"));
    }

    [Fact]
    public void Everything_that_is_written_is_read()
    {
        ModelSpec spec = Parsed.Model(
            """
            [DecoderModel(Hidden = 100, Layers = 2, Vocabulary = 9, Context = 7)]
            [Attention(Heads = 6, KeyValueHeads = 2, HeadDimension = 20, RopeTheta = 1e6f, RopeScaling = 4, RopeDimensions = 10,
                RopePairing = RopePairing.HalfSplit, QueryKeyValueBiases = true, OutputBias = true)]
            [FeedForward(Intermediate = 33, Activation = Activation.Gelu, Gated = false, Biases = true)]
            [SlidingWindow(Window = 3, Layers = "1")]
            [SlidingWindow(Window = 7, Layers = "0")]
            [NoRope(Layers = "0", Period = 2)]
            [LayerNorm(Epsilon = 0.5f)]
            [Embedding(Tied = true, Scale = 12)]
            [Weights(WeightType.BF16)]
            partial class M;
            """).ShouldNotBeNull();

        spec.FeedForward.ToString().ShouldBe(
            "FeedForwardSpec { Hidden = 100, Intermediate = 33, Activation = Gelu, Threshold = 0, Gated = False, Biases = True, Sparsity = 0 }");
        spec.Attention.ShouldBe(new AttentionSpec(
            6, 2, 20, RopeTheta: 1e6f, RopeScaling: 4, RopeDimensions: 10, RopePairing.HalfSplit, QueryKeyValueBiases: true, OutputBias: true,
            QueryKeyNorms: false)
        {
            // One of all positions hides nothing; and two layers have no pattern that comes again.
            Windows = new[] { new AttentionWindow(3, Layers(1)) }.ToEquatableArray(),
            Unrotated = Layers(0),
        });
        spec.Norm.ShouldBe(new NormSpec(NormKind.Layer, 0.5f));
        spec.Embedding.ShouldBe(new EmbeddingSpec(true, 12f));
        spec.Target.Accessibility.ShouldBe("internal");
    }

    [Theory]
    [InlineData("Relu", "0..7 ExactSpec { }")]
    [InlineData("SquaredRelu", "0..7 ExactSpec { }")]
    [InlineData("DRelu", "0..7 ExactSpec { }")]
    [InlineData("Silu", "0..7 DenseSpec { }")]
    [InlineData("Gelu", "0..7 DenseSpec { }")]
    public void Without_a_policy_nothing_changes_a_result(string activation, string policies) =>
        Policies($"[FeedForward(Intermediate = 9, Activation = Activation.{activation})]").ShouldBe(policies);

    [Theory]
    [InlineData("0..7 DenseSpec { }", "[Dense]")]
    [InlineData("0..7 DenseSpec { }", "[Dense(Layers = null)]")]
    [InlineData("0..7 DenseSpec { }", "[Dense(Layers = \"4..\")]", "[Dense(Layers = \"..3\")]")]
    [InlineData("0 DenseSpec { }; 1 ExactSpec { }; 2..7 DenseSpec { }", "[Dense(Layers = \"2.., 0\")]", "[ExactSparsity(Layers = \"1\")]")]
    [InlineData("0..6 SignBitSpec { Alpha = 1.25 }; 7 ActivationThresholdSpec { Threshold = 0.001, Votes =  }",
        "[ActivationThreshold(Threshold = 1e-3f, Layers = \"7\")]", "[SignBitPredictor(Alpha = 1.25f, Layers = \"..6\")]")]
    public void Policies_are_sorted_and_cover_every_layer(string policies, params string[] attributes) => Policies(attributes).ShouldBe(policies);

    [Theory]
    [InlineData("1.03f", "1.03")]
    [InlineData("1", "1")]
    [InlineData("1f / 3", "0.33333334")]
    [InlineData("1.0000001f", "1.0000001")]
    [InlineData("0.00001f", "0.00001")]
    [InlineData("1e-40f", "1E-40")]
    [InlineData("99.99999f", "99.99999")]
    public void Alpha_is_the_shortest_decimal_that_reads_back(string written, string alpha) =>
        Policies($"[SignBitPredictor(Alpha = {written})]").ShouldBe($"0..7 SignBitSpec {{ Alpha = {alpha} }}");

    [Fact]
    public void Warnings_stop_nothing() =>
        Policies("[ActivationThreshold(Threshold = 0.1f)]").ShouldBe("0..7 ActivationThresholdSpec { Threshold = 0.1, Votes =  }");

    [Theory]
    [InlineData("[Attention(Heads = 7)]")]
    [InlineData("[Attention(Heads = \"8\")]")]
    [InlineData("[FeedForward(Intermediate = 704, Activation = (Activation)9)]")]
    [InlineData("[Dense(Layers = \"0..8\")]")]
    public void A_declaration_that_breaks_a_rule_is_no_model(string attribute) => Parsed.Model(Declared.Model(attribute)).ShouldBeNull();

    [Theory]
    [InlineData("[FeedForward(Intermediate = 9)] partial class M;")]
    [InlineData("[System.Obsolete] partial class M;")]
    public void A_class_that_declares_no_model_is_none(string source) => Parsed.Model(source).ShouldBeNull();

    [Fact]
    public void Cancellation_is_heard() => Should.Throw<OperationCanceledException>(
        () => DeclarationLanguage.Reader.Model(UserCode.Compile(Declared.Model()).GetTypeByMetadataName("M")!, new CancellationToken(canceled: true)));

    [Theory]
    [InlineData("[NoRope]", false, null)]
    [InlineData("[NoRope(Layers = \"0, 1\", Period = 2)]", false, null)]
    [InlineData("[NoRope(Layers = \"0\", Period = 2)]", true, "layers 0 of every 2")]
    [InlineData("[NoRope(Layers = \"3, 1..2, 2..3, 5\")]", true, "layers 1..3, 5")]
    public void Layers_that_do_not_rotate_are_a_pattern_or_all(string attribute, bool isRotated, string? layers)
    {
        AttentionSpec attention = Parsed.Model(Declared.Model(attribute)).ShouldNotBeNull().Attention;

        attention.IsRotated.ShouldBe(isRotated);
        attention.Unrotated?.Describe().ShouldBe(layers);
        (attention.Unrotated is null).ShouldBe(layers is null);
    }

    private static LayerPattern Layers(int layer) => new(new LayerRun[] { new(layer, layer) }.ToEquatableArray(), 0);

    private static string Policies(params string[] attributes) => Text(Parsed.Model(Declared.Model(attributes)).ShouldNotBeNull());

    private static string Text(ModelSpec spec) => string.Join(
        "; ", spec.Policies.Select(p => (p.First == p.Last ? $"{p.First}" : $"{p.First}..{p.Last}") + " " + p.Policy));
}
