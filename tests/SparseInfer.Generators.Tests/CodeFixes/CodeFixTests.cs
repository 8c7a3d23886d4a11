using Microsoft.CodeAnalysis.CodeFixes;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.CodeFixes;

/// <summary>Each fix, compared as full text: nothing but the edit may change.</summary>
public sealed class CodeFixTests
{
    private const string Complete =
        "[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 9, Context = 9), Attention(Heads = 2), "
        + "FeedForward(Intermediate = 9), RmsNorm, Weights(WeightType.F32)]";

    private const string Nested =
        $$"""
        static class Zoo // animals
        {
            internal record struct Llamas
            {
                {{Complete}}
                public sealed class M;
            }
        }

        """;

    [Fact]
    public async Task A_model_and_the_types_around_it_become_partial() =>
        (await Mended.One(Nested, "Make partial", "SPI0001"))
            .ShouldBe(Nested.Replace("class", "partial class").Replace("record", "partial record"));

    [Fact]
    public async Task A_type_around_a_model_becomes_partial() =>
        (await Mended.One(Nested, "Make partial", "SPI0002")).ShouldBe(Nested.Replace("class Zoo", "partial class Zoo"));

    [Theory]
    [InlineData("FeedForward(Intermediate = 704, Threshold = 0.01f)", "Remove Threshold", "FeedForward(Intermediate = 704)")]
    [InlineData("FeedForward(Threshold = 0.01f,  Intermediate = 704)", "Remove Threshold", "FeedForward(Intermediate = 704)")]
    [InlineData("FeedForward(Hidden = 9, Intermediate = 704)", "Remove Hidden", "FeedForward(Intermediate = 704)")]
    [InlineData("FeedForward(Intermediate = 704, Activation = Activation.FatRelu)", "Set Threshold = 0.01f",
        "FeedForward(Intermediate = 704, Activation = Activation.FatRelu, Threshold = 0.01f)")]
    [InlineData("FeedForward(Intermediate = 704, Threshold = -1, Activation = Activation.FatRelu)", "Set Threshold = 0.01f",
        "FeedForward(Intermediate = 704, Threshold = 0.01f, Activation = Activation.FatRelu)")]
    [InlineData("FeedForward(Intermediate = 704, Gated = 1 > 2, Activation = Activation.DRelu)", "Set Gated = true",
        "FeedForward(Intermediate = 704, Gated = true, Activation = Activation.DRelu)")]
    [InlineData("Dense(Layers = \"0..3, 4..99\")", "End at the last layer", "Dense(Layers = \"0..3, 4..7\")")]
    [InlineData("Dense(Layers = \"..4\")", "Add [ExactSparsity] for the other layers",
        "Dense(Layers = \"..4\")]\n[ExactSparsity(Layers = \"5..7\")")]
    [InlineData("ActivationThreshold(Threshold = 0.1f, Layers = \"0..\")", "Replace by [ExactSparsity]", "ExactSparsity(Layers = \"0..\")")]
    [InlineData("Target(\"sm87\")", "Write \"sm_87\"", "Target(\"sm_87\")")]
    [InlineData("Target(device: \"ORIN-AGX-64\")", "Write \"orin-agx-64\"", "Target(device: \"orin-agx-64\")")]
    public async Task A_model_is_mended(string broken, string title, string mended)
    {
        string source = Declared.Model("[" + broken + "]");
        (await Mended.One(source, title)).ShouldBe(source.Replace(broken, mended));
    }

    [Theory]
    [InlineData("[SignBitPredictor(Alpha = 1.1f, Layers = \"0..\")]", "Replace by [Dense]", "[Dense(Layers = \"0..\")]")]
    [InlineData("[SignBitPredictor]", "Replace by [ActivationThreshold]", "[ActivationThreshold(Threshold = 0f)]")]
    [InlineData("[SparseInfer.ExactSparsityAttribute]", "Replace by [Dense]", "[SparseInfer.Dense]")]
    [InlineData("[ExactSparsity(Layers = \"0..\")]", "Replace by [ActivationThreshold]",
        "[ActivationThreshold(Threshold = 0f, Layers = \"0..\")]")]
    public async Task A_policy_that_needs_zeros_is_replaced_in_the_same_layers(string broken, string title, string mended)
    {
        string source = Declared.Model("[FeedForward(Intermediate = 704, Activation = Activation.Silu)]", broken);
        (await Mended.One(source, title)).ShouldBe(source.Replace(broken, mended));
    }

    [Theory]
    [InlineData("[Attention(Heads = 8)]\n", "Add [Attention]", "[Attention(Heads = 0)]\n")]
    [InlineData("[FeedForward(Intermediate = 704)]\n", "Add [FeedForward]", "[FeedForward(Intermediate = 0)]\n")]
    [InlineData("[RmsNorm]\n", "Add [RmsNorm]", "[RmsNorm]\n")]
    [InlineData("[RmsNorm]\n", "Add [LayerNorm]", "[LayerNorm]\n")]
    [InlineData("[Weights(WeightType.F16)]\n", "Add [Weights]", "[Weights(WeightType.F16)]\n")]
    public async Task A_missing_attribute_is_added_below_the_others(string missing, string title, string added)
    {
        string source = Declared.Model().Replace(missing, "");
        (await Mended.One(source, title)).ShouldBe(source.Replace("public sealed", added + "public sealed"));
    }

    [Fact]
    public async Task The_attribute_of_a_model_is_added_above_the_others() =>
        (await Mended.One("// A model.\r\n  [RmsNorm]\r\n  partial class M;\r\n", "Add [DecoderModel]")).ShouldBe(
            "// A model.\r\n  [DecoderModel(Hidden = 0, Layers = 0, Vocabulary = 0, Context = 0)]\r\n"
            + "  [RmsNorm]\r\n  partial class M;\r\n");

    [Theory]
    [InlineData("[SparseInfer.Dense] ", "Add [FeedForward]",
        "[SparseInfer.FeedForward(Hidden = 0, Intermediate = 0)]\n    [SparseInfer.Dense] ")]
    [InlineData("[SparseInfer.FeedForward(Hidden = 9, Intermediate = 9)] ", "Add [Weights]",
        "[SparseInfer.FeedForward(Hidden = 9, Intermediate = 9)]\n    [SparseInfer.Weights(SparseInfer.WeightType.F16)] ")]
    public async Task An_attribute_is_qualified_as_its_neighbours_are(string attributes, string title, string mended)
    {
        string source = "partial class C\n{\n    " + attributes + "static partial FeedForwardKernel P { get; }\n}\n";
        (await Mended.One(source, title)).ShouldBe(source.Replace(attributes, mended));
    }

    [Theory]
    [InlineData("[RmsNorm, LayerNorm]", "[RmsNorm]")]
    [InlineData("[RmsNorm]\n[LayerNorm(Epsilon = 1e-6f)]", "[RmsNorm]")]
    [InlineData("[RmsNorm] [LayerNorm]", "[RmsNorm]")]
    public async Task The_second_norm_is_removed(string norms, string mended)
    {
        string source = Declared.Model().Replace("[RmsNorm]", norms);
        (await Mended.One(source, "Remove [LayerNorm]")).ShouldBe(source.Replace(norms, mended));
    }

    [Theory]
    [InlineData("public FeedForwardKernel P => null!;", "public static partial FeedForwardKernel P { get; }")]
    [InlineData("static partial object P { get; set; }", "static partial FeedForwardKernel P { get; }")]
    [InlineData("FeedForwardKernel P { get; } = null!; // kept", "static partial FeedForwardKernel P { get; } // kept")]
    public async Task A_property_becomes_a_layer(string property, string mended)
    {
        string source = "partial class C\n{\n    [FeedForward(Hidden = 9, Intermediate = 9), Weights(WeightType.F32)]\n    $\n}\n";
        (await Mended.One(source.Replace("$", property), "Write 'static partial FeedForwardKernel'")).ShouldBe(source.Replace("$", mended));
    }

    [Theory]
    [InlineData("[System.Obsolete, FeedForward(Hidden = 9, Intermediate = 9), Weights(WeightType.F32)]", "")]
    [InlineData("[System.Obsolete, SparseInfer.FeedForward(Hidden = 9, Intermediate = 9), Weights(WeightType.F32)]", "SparseInfer.")]
    public async Task The_type_of_a_layer_is_qualified_as_sparse_infers_attributes_are(string attributes, string qualifier)
    {
        string source = "partial class C\n{\n    " + attributes + "\n    $\n}\n";
        (await Mended.One(source.Replace("$", "static partial object P { get; }"), "Write 'static partial FeedForwardKernel'"))
            .ShouldBe(source.Replace("$", "static partial " + qualifier + "FeedForwardKernel P { get; }"));
    }

    [Fact]
    public async Task Fix_all_mends_every_declaration_of_a_document() =>
        (await Mended.Everywhere(Complete + " class A;\n" + Complete + " class B;\n", "SPI0001", "Make partial"))
            .ShouldBe(Complete + " partial class A;\n" + Complete + " partial class B;\n");

    [Fact]
    public async Task Fix_all_makes_every_type_around_partial_once() =>
        (await Mended.Everywhere(Nested.Replace("sealed class", "sealed partial class"), "SPI0002", "Make partial"))
            .ShouldBe(Nested.Replace("class", "partial class").Replace("record", "partial record"));

    [Fact]
    public async Task Fix_all_replaces_every_policy()
    {
        string source = Declared.Model(
            "[FeedForward(Intermediate = 704, Activation = Activation.Gelu)]",
            "[SignBitPredictor(Layers = \"..3\")]",
            "[SignBitPredictor(Layers = \"4..\")]");
        (await Mended.Everywhere(source, "SPI0029", "Replace by [Dense]")).ShouldBe(source.Replace("SignBitPredictor", "Dense"));
    }

    [Fact]
    public async Task Nothing_is_offered_where_no_layer_would_be_left() =>
        (await Mended.Titles(Declared.Model("[Dense]", "[ExactSparsity(Layers = \"8..\")]"))).ShouldBeEmpty();

    [Theory]
    [InlineData("null!")]
    [InlineData("\"foo\"")]
    public async Task No_target_is_offered_where_none_is_near(string target) =>
        (await Mended.Titles(Declared.Model($"[Target({target})]"))).ShouldBeEmpty();

    [Fact]
    public void Every_fix_is_exported() => Mended.Providers.ShouldAllBe(provider =>
        provider.GetType().GetCustomAttributes(typeof(ExportCodeFixProviderAttribute), false).Length == 1);

    [Fact]
    public void Every_fix_names_rules_that_exist() =>
        Mended.Providers.SelectMany(provider => provider.FixableDiagnosticIds)
            .ShouldBeSubsetOf(DeclarationRules.Descriptors.Keys);
}
