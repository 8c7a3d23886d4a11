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
    public Task AModelIsAnOrdinaryPartialClass(string markup) => Diagnose.Expect(Attributes + markup);

    [Theory]
    [InlineData("partial {|SPI0004:struct|} M;")]
    [InlineData("partial {|SPI0004:record|} struct M;")]
    [InlineData("partial {|SPI0004:interface|} M;")]
    [InlineData("enum {|SPI0004:M|} { }")]
    [InlineData("delegate void {|SPI0004:M|}();")]
    public Task WhatIsNoClassIsRefusedBesideTheCompiler(string markup) => Diagnose.Expect(Attributes + markup, "CS0592");

    [Fact]
    public Task AnotherPartOfTheClassCountsAsWell() =>
        Diagnose.Expect(Attributes + "partial class M; {|SPI0004:abstract|} partial class M { }");

    [Theory]
    [InlineData("class {|SPI0002:Outer|} { $ }")]
    [InlineData("struct {|SPI0002:A|} { partial record B { record struct {|SPI0002:C|} { $ } } }")]
    [InlineData("partial class Outer{|SPI0003:<T>|} { $ }")]
    [InlineData("{|SPI0033:file|} partial class Outer { partial class Inner { $ } }")]
    [InlineData("interface {|SPI0002:Outer|}{|SPI0003:<T>|} { $ }")]
    public async Task EveryTypeAroundADeclarationCanBeReopened(string markup)
    {
        await Diagnose.Expect(markup.Replace("$", Attributes + "partial class M;"));
        await Diagnose.Expect(markup.Replace("$", LayerAttributes + "static partial FeedForwardKernel Mlp { get; }"), "CS0751", "CS9248");
    }

    [Fact]
    public Task ANestedTypeIsNotFileLocalEither() => Diagnose.Expect(
        "partial class Outer { {|SPI0033:file|} partial class Inner { " + LayerAttributes + "static partial FeedForwardKernel Mlp { get; } } }",
        "CS9054", "CS9248");

    [Theory]
    [InlineData("{|SPI0004:private|} partial class M;")]
    [InlineData("{|SPI0004:protected|} internal partial class M;")]
    public Task AModelInANamespaceIsPublicOrInternal(string markup) => Diagnose.Expect(Attributes + markup, "CS1527");

    [Theory]
    [InlineData("[{|SPI0005:Attention|}(Heads = 8)] class M;")]
    [InlineData("[{|SPI0005:RmsNorm|}, Weights(WeightType.F16), Dense] partial class M;")]
    [InlineData("[{|SPI0005:FeedForward|}(Intermediate = 64)] partial class M;")]
    [InlineData("class C { [{|SPI0005:Weights|}(WeightType.F16)] static int P => 1; }")]
    [InlineData("class C { [{|SPI0005:SignBitPredictor|}] static int P => 1; }")]
    public Task AttributesOfAModelNeedDecoderModelAndThoseOfALayerFeedForward(string markup) => Diagnose.Expect(markup);

    [Theory]
    [InlineData("] partial class {|SPI0006:{|SPI0006:{|SPI0006:{|SPI0006:M|}|}|}|};")]
    [InlineData(", RmsNorm, Weights(WeightType.F16), FeedForward(Intermediate = 7)] partial class {|SPI0006:M|};")]
    [InlineData(", Attention(Heads = 1), Weights(WeightType.F16)] partial class {|SPI0006:{|SPI0006:M|}|};")]
    [InlineData(", Attention(Heads = 1), LayerNorm, FeedForward(Intermediate = 7)] partial class {|SPI0006:M|};")]
    public Task WhatAModelMissesIsMissedOnItsName(string markup) =>
        Diagnose.Expect("[DecoderModel(Hidden = 4, Layers = 1, Vocabulary = 1, Context = 1)" + markup);

    [Fact]
    public Task WhatALayerMissesIsMissedOnItsName() => Diagnose.Expect(
        "partial class C { [FeedForward(Hidden = 4, Intermediate = 4)] static partial FeedForwardKernel {|SPI0006:P|} { get; } }");

    [Theory]
    [InlineData("[RmsNorm]", "[{|SPI0007:LayerNorm|}]")]
    [InlineData("[LayerNorm]", "[{|SPI0007:RmsNorm|}(Epsilon = 1e-6f)]")]
    public Task TheSecondNormIsOneTooMany(params string[] attributes) => Diagnose.Expect(Declared.Model(attributes));

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
    public Task ALayerIsAStaticPartialGetOnlyKernel(string markup, params string[] errors) =>
        Diagnose.Expect("partial class C { " + LayerAttributes + markup + " }", errors);

    [Fact]
    public Task APropertyThatCannotBeReadIsNoLayer() => Diagnose.Expect(
        "partial class C { " + LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { } }", "CS0548", "CS9248");

    [Fact]
    public Task APropertyWithABodyIsNotTheHalfThatTheUserWrites() =>
        Diagnose.Expect("partial class C { " + LayerAttributes + "static partial FeedForwardKernel P {|SPI0008:=> null!|}; }", "CS9249");

    [Theory]
    [InlineData("static partial class C { } } $", "CS1022")]
    [InlineData("namespace N { $ }")]
    public Task ALayerIsAMember(string around, params string[] errors) => Diagnose.Expect(
        around.Replace("$", LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { get; }"),
        [.. errors, "CS0116", "CS9248", "CS0751"]);

    [Fact]
    public Task NoneIsAnExtension() => Diagnose.Expect(
        "static partial class C { extension(string s) { " + LayerAttributes + "static partial FeedForwardKernel {|SPI0008:P|} { get; } } }",
        "CS0751", "CS9248", "CS9282");

    [Fact]
    public Task ALayerWhoseOtherHalfIsThereIsReportedOnce() => Diagnose.Expect(
        """
        partial class C
        {
            [FeedForward(Hidden = 64, Intermediate = {|SPI0009:0|}), Weights(WeightType.F32)]
            static partial FeedForwardKernel P { get; }

            static partial FeedForwardKernel {|SPI0008:P|} => null!;
        }
        """);
}
