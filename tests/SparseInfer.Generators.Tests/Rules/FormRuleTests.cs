using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0001 to SPI0008 and SPI0033: the C# that carries the attributes.</summary>
public sealed class FormRuleTests
{
    private const string Attributes =
        "[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = 512, Context = 128), Attention(Heads = 8), "
        + "FeedForward(Intermediate = 704), RmsNorm, Weights(WeightType.F16)] ";

    private const string LayerAttributes = "[FeedForward(Hidden = 64, Intermediate = 192), Weights(WeightType.F32)] ";

    [Theory]
    [InlineData("partial class M { public {|SPI0004:required|} int X { get; set; } }")]
    [InlineData("sealed class {|SPI0001:M|};")]
    [InlineData("sealed {|SPI0004:record|} {|SPI0001:M|};")]
    [InlineData("partial class M{|SPI0003:<T>|};")]
    [InlineData("{|SPI0004:static|} partial class M;")]
    [InlineData("{|SPI0004:abstract|} partial class M;")]
    [InlineData("{|SPI0033:file|} partial class M;")]
    [InlineData("partial {|SPI0004:record|} M;")]
    [InlineData("partial class M{|SPI0004:(int x)|} { public int X => x; }")]
    [InlineData("partial class M { public {|SPI0004:M|}() { } }")]
    [InlineData("partial class M { private protected {|SPI0004:M|}(int x) : base() { } public M() : this(1) { } static M() { } }")]
    [InlineData("partial class M : {|SPI0004:object|} { }")]
    [InlineData("partial class M : {|SPI0004:System.Object|}, System.ICloneable { public object Clone() => this; }")]
    [InlineData("partial class M : {|SPI0004:System.Random|}, System.ICloneable { public object Clone() => this; }")]
    [InlineData("{|SPI0004:static|} class {|SPI0001:M|}{|SPI0003:<T>|};")]
    public Task A_model_is_an_ordinary_partial_class(string markup) => Diagnose.Expect(Attributes + markup);

    [Theory]
    [InlineData("partial {|SPI0004:struct|} M;")]
    [InlineData("partial {|SPI0004:record|} struct M;")]
    [InlineData("partial {|SPI0004:interface|} M;")]
    [InlineData("enum {|SPI0004:M|} { }")]
    [InlineData("delegate void {|SPI0004:M|}();")]
    public Task What_is_no_class_is_refused_beside_the_compiler(string markup) => Diagnose.Expect(Attributes + markup, "CS0592");

    [Fact]
    public Task Another_part_of_the_class_counts_as_well() =>
        Diagnose.Expect(Attributes + "partial class M; {|SPI0004:abstract|} partial class M { }");

    [Theory]
    [InlineData("class {|SPI0002:Outer|} { $ }")]
    [InlineData("struct {|SPI0002:A|} { partial record B { record struct {|SPI0002:C|} { $ } } }")]
    [InlineData("partial class Outer{|SPI0003:<T>|} { $ }")]
    [InlineData("{|SPI0033:file|} partial class Outer { partial class Inner { $ } }")]
    [InlineData("interface {|SPI0002:Outer|}{|SPI0003:<T>|} { $ }")]
    public async Task Every_type_around_a_declaration_can_be_reopened(string markup)
    {
        await Diagnose.Expect(markup.Replace("$", Attributes + "partial class M;"));
        await Diagnose.Expect(markup.Replace("$", LayerAttributes + "static partial FeedForwardKernel Mlp { get; }"), "CS0751", "CS9248");
    }

    [Fact]
    public Task A_nested_type_is_not_file_local_either() => Diagnose.Expect(
        "partial class Outer { {|SPI0033:file|} partial class Inner { " + LayerAttributes + "static partial FeedForwardKernel Mlp { get; } } }",
        "CS9054", "CS9248");

    [Theory]
    [InlineData("{|SPI0004:private|} partial class M;")]
    [InlineData("{|SPI0004:protected|} internal partial class M;")]
    public Task A_model_in_a_namespace_is_public_or_internal(string markup) => Diagnose.Expect(Attributes + markup, "CS1527");

    /// <summary>The compiler says it, and nothing is generated that would name what nobody may.</summary>
    [Theory]
    [InlineData("private partial class Outer { $ }")]
    [InlineData("protected partial class Outer { partial class Inner { $ } }")]
    public async Task No_type_around_a_declaration_can_be_private_in_a_namespace(string markup)
    {
        await Diagnose.Expect(markup.Replace("$", Attributes + "partial class M;"), "CS1527");
        await Diagnose.Expect(markup.Replace("$", LayerAttributes + "static partial FeedForwardKernel Mlp { get; }"), "CS1527", "CS9248");
    }

    [Theory]
    [InlineData("[{|SPI0005:Attention|}(Heads = 8)] class M;")]
    [InlineData("[{|SPI0005:RmsNorm|}, Weights(WeightType.F16), Dense] partial class M;")]
    [InlineData("[{|SPI0005:FeedForward|}(Intermediate = 64)] partial class M;")]
    [InlineData("class C { [{|SPI0005:Weights|}(WeightType.F16)] static int P => 1; }")]
    [InlineData("class C { [{|SPI0005:SignBitPredictor|}] static int P => 1; }")]
    public Task Attributes_of_a_model_need_decoder_model_and_those_of_a_layer_feed_forward(string markup) => Diagnose.Expect(markup);

    [Theory]
    [InlineData("] partial class {|SPI0006:{|SPI0006:{|SPI0006:{|SPI0006:M|}|}|}|};")]
    [InlineData(", RmsNorm, Weights(WeightType.F16), FeedForward(Intermediate = 7)] partial class {|SPI0006:M|};")]
    [InlineData(", Attention(Heads = 1), Weights(WeightType.F16)] partial class {|SPI0006:{|SPI0006:M|}|};")]
    [InlineData(", Attention(Heads = 1), LayerNorm, FeedForward(Intermediate = 7)] partial class {|SPI0006:M|};")]
    public Task What_a_model_misses_is_missed_on_its_name(string markup) =>
        Diagnose.Expect("[DecoderModel(Hidden = 4, Layers = 1, Vocabulary = 1, Context = 1)" + markup);

    [Fact]
    public Task What_a_layer_misses_is_missed_on_its_name() => Diagnose.Expect(
        "partial class C { [FeedForward(Hidden = 4, Intermediate = 4)] static partial FeedForwardKernel {|SPI0006:P|} { get; } }");

    [Theory]
    [InlineData("[RmsNorm]", "[{|SPI0007:LayerNorm|}]")]
    [InlineData("[LayerNorm]", "[{|SPI0007:RmsNorm|}(Epsilon = 1e-6f)]")]
    public Task The_second_norm_is_one_too_many(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

    [Theory]
    [InlineData("partial FeedForwardKernel {|SPI0008:P|} { get; }")]
    [InlineData("static FeedForwardKernel {|SPI0008:P|} { get; } = null!;")]
    [InlineData("FeedForwardKernel {|SPI0008:{|SPI0008:P|}|} => null!;")]
    [InlineData("static partial FeedForwardKernel P { get; {|SPI0008:set|}; }")]
    [InlineData("static partial {|SPI0008:object|} P { get; }")]
    [InlineData("static unsafe partial FeedForwardKernel P { get; }", "CS0227", "CS9248")]
    [InlineData("public {|SPI0008:virtual|} partial FeedForwardKernel {|SPI0008:P|} { get; }", "CS9248")]
    [InlineData("static partial {|SPI0008:ref FeedForwardKernel|} P { get; }")]
    [InlineData("static {|SPI0008:object|} {|SPI0008:P|} { get; {|SPI0008:set|}; } = null!;")]
    [InlineData("FeedForwardKernel {|SPI0008:this|}[int i] => null!;")]
    public Task A_layer_is_a_static_partial_get_only_kernel(string markup, params string[] errors) =>
        Diagnose.Expect("partial class C { " + LayerAttributes + markup + " }", errors);

    [Fact]
    public Task A_property_that_cannot_be_read_is_no_layer() => Diagnose.Expect(
        "partial class C { " + LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { } }", "CS0548", "CS9248");

    [Fact]
    public Task A_property_with_a_body_is_not_the_half_that_the_user_writes() =>
        Diagnose.Expect("partial class C { " + LayerAttributes + "static partial FeedForwardKernel P {|SPI0008:=> null!|}; }", "CS9249");

    [Theory]
    [InlineData("static partial class C { } } $", "CS1022")]
    [InlineData("namespace N { $ }")]
    public Task A_layer_is_a_member(string around, params string[] errors) => Diagnose.Expect(
        around.Replace("$", LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { get; }"),
        [.. errors, "CS0116", "CS9248", "CS0751"]);

    [Fact]
    public Task None_is_an_extension() => Diagnose.Expect(
        "static partial class C { extension(string s) { " + LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { get; } } }",
        "CS0751", "CS9248", "CS9282");

    [Fact]
    public Task A_layer_whose_other_half_is_there_is_reported_once() => Diagnose.Expect(
        """
        partial class C
        {
            [FeedForward(Hidden = 64, Intermediate = {|SPI0009:0|}), Weights(WeightType.F32)]
            static partial FeedForwardKernel P { get; }

            static partial FeedForwardKernel {|SPI0008:P|} => null!;
        }
        """);
}
