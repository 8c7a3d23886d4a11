using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Parse;

public sealed class LayerParserTests
{
    private const string Attributes = "[FeedForward(Hidden = 5, Intermediate = 7), Weights(WeightType.F32)] ";

    [Fact]
    public void A_declared_layer_becomes_a_spec()
    {
        LayerSpec spec = Parsed.Layer(
            """
            namespace Net;

            public static partial class Layers
            {
                [FeedForward(Hidden = 2048, Intermediate = 8192, Activation = Activation.SquaredRelu, Gated = false)]
                [SignBitPredictor(Alpha = 1.01f)]
                [Weights(WeightType.F32, WeightType.BF16)]
                public static partial FeedForwardKernel Mlp { get; }
            }
            """,
            "Net.Layers").ShouldNotBeNull();

        (spec.Target.FullName, spec.Target.Name, spec.Modifiers).ShouldBe(("Net.Layers.Mlp", "Mlp", "public static partial"));
        spec.FeedForward.ToString().ShouldBe(
            "FeedForwardSpec { Hidden = 2048, Intermediate = 8192, Activation = SquaredRelu, Threshold = 0, "
            + "Gated = False, Biases = False, Sparsity = 0 }");
        spec.Policy.ToString().ShouldBe("SignBitSpec { Alpha = 1.01 }");
        spec.Weights.Select(type => type.ToString()).ShouldBe(["F32", "BF16"]);
    }

    [Theory]
    [InlineData("[Target(\"orin-nano-4\")]", "orin-nano-4")]
    [InlineData("[Target(\"sm_87\")]", "orin-agx-64")]
    [InlineData("[ExactSparsity]", "default")]
    public void A_layer_is_planned_for_its_target(string attribute, string device) =>
        Parsed.Layer(Declared.Layer(attribute)).ShouldNotBeNull().Device.ShouldBe(device);

    [Theory]
    [InlineData("Relu", "ExactSpec { }")]
    [InlineData("Silu", "DenseSpec { }")]
    public void Without_a_policy_nothing_changes_a_result(string activation, string policy) =>
        Parsed.Layer(Declared.Layer($"[FeedForward(Hidden = 5, Intermediate = 7, Activation = Activation.{activation})]"))!
            .Policy.ToString().ShouldBe(policy);

    [Fact]
    public void Every_type_around_a_layer_is_reopened_as_what_it_is()
    {
        TargetSpec target = Parsed.Layer(
            "namespace N.@int { static partial class A { partial struct B { partial record C { "
            + "readonly partial record struct D { partial interface @class { "
            + Attributes + "internal protected static partial FeedForwardKernel @event { get; } } } } } } }",
            "N.int.A+B+C+D+class",
            "event")!.Target;

        target.ContainingTypes.Select(type => type.Declaration).ShouldBe(
            ["partial class A", "partial struct B", "partial record C", "partial record struct D", "partial interface @class"]);
        (target.Namespace, target.Name, target.Accessibility).ShouldBe(("N.@int", "@event", "protected internal"));
        target.FullName.ShouldBe("N.int.A.B.C.D.class.event");
    }

    [Theory]
    [InlineData("static partial", "private")]
    [InlineData("public static unsafe partial", "public")]
    public void Modifiers_are_repeated_as_written(string modifiers, string accessibility)
    {
        string property = Attributes + modifiers + " FeedForwardKernel Mlp { get; }";
        LayerSpec spec = Parsed.Layer("partial class Layers { " + property + " }").ShouldNotBeNull();

        (spec.Modifiers, spec.Target.Accessibility).ShouldBe((modifiers, accessibility));
    }

    [Theory]
    [InlineData("[SignBitPredictor]", "[Dense]")]
    [InlineData("[Dense(Layers = \"0\")]")]
    [InlineData("[FeedForward(Intermediate = 7)]")]
    public void A_declaration_that_breaks_a_rule_is_no_layer(params string[] attributes) => Parsed.Layer(Declared.Layer(attributes)).ShouldBeNull();

    [Fact]
    public void A_property_whose_type_is_unknown_is_no_layer() =>
        Parsed.Layer("static partial class Layers { " + Attributes + "static partial Unknown Mlp { get; } }").ShouldBeNull();

    [Fact]
    public void The_feed_forward_of_a_model_is_no_layer_of_its_own() =>
        DeclarationLanguage.Reader.Layer(UserCode.Compile(Declared.Model()).GetTypeByMetadataName("M")!, CancellationToken.None).ShouldBeNull();
}
