using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0034 and SPI0035: which GPU a model is planned for.</summary>
public sealed class TargetRuleTests
{
    [Theory]
    [InlineData("[Target({|SPI0034:\"orin-agx\"|})]")]
    [InlineData("[Target({|SPI0034:\"\"|})]")]
    [InlineData("[Target({|SPI0034:null!|})]")]
    [InlineData("[Target({|SPI0034:\"sm_\" + \"35\"|})]")]
    [InlineData("[Target(device: {|SPI0034:\"ORIN-AGX-64\"|})]")]
    [InlineData("[Target(\"orin-agx-64\")]")]
    [InlineData("[Target(\"sm_87\")]")]
    [InlineData("[Target(\"default\")]")]
    public async Task A_target_is_one_of_the_table(string attribute)
    {
        await Diagnose.Expect(Declared.Model(attribute));
        await Diagnose.Expect(Declared.Layer(attribute));
    }

    [Fact]
    public async Task Where_no_target_is_near_all_there_are_are_listed()
    {
        string message = (await Diagnose.Expect(Declared.Model("[Target({|SPI0034:\"foo\"|})]"))).ShouldHaveSingleItem();
        message.ShouldStartWith("There is no target 'foo'; write one of default, xavier-nx-8, ");
    }

    [Fact]
    public async Task An_unknown_target_is_told_the_nearest_and_all_there_are()
    {
        string message = (await Diagnose.Expect(Declared.Model("[Target({|SPI0034:\"orin-agx-32gb\"|})]"))).ShouldHaveSingleItem();
        message.ShouldStartWith("There is no target 'orin-agx-32gb'; write \"orin-agx-32\" or another of default, xavier-nx-8, ");
        message.ShouldEndWith(", sm_72, sm_87, sm_110, sm_86, sm_89, sm_120, sm_80, sm_90");
    }

    [Theory]
    [InlineData("WeightType.Q5_0, WeightType.Q5_1")]
    [InlineData("WeightType.Q4_K, WeightType.Q5_K, WeightType.Q6_K")]
    [InlineData("WeightType.Q4_0, WeightType.Q8_0")]
    public Task A_target_has_kernels_for_every_weight_type(string types) =>
        Diagnose.Expect(Declared.Model($"[Weights({types})]", "[FeedForward(Intermediate = 768)]", "[Target(\"sm_87\")]"));

    [Fact]
    public Task A_target_without_a_model_is_stray() => Diagnose.Expect("[{|SPI0005:Target|}(\"sm_87\")] partial class M;");

    [Fact]
    public Task A_target_without_a_layer_is_stray() =>
        Diagnose.Expect("static partial class L { [{|SPI0005:Target|}(\"sm_87\")] static FeedForwardKernel? P => null; }");

    // 256 wide, 8 layers: a position is 8 * 2 * 256 * 2 = 8 KiB of cache; weights are 13 MiB.
    [Theory]
    [InlineData("522000", "[Target(\"orin-nano-4\")]")]
    [InlineData("524288", "[Target({|SPI0035:\"orin-nano-4\"|})]")]
    [InlineData("524288", "[Target(\"orin-nano-8\")]")]
    [InlineData("1048576", "[Target(\"sm_87\")]")]
    [InlineData("1048576", "")]
    public Task Weights_and_cache_fit_the_target(string context, string target) =>
        Diagnose.Expect(Declared.Model(
        [
            $"[DecoderModel(Hidden = 256, Layers = 8, Vocabulary = 512, Context = {context})]",
            .. target.Length > 0 ? (string[])[target] : [],
        ]));

    [Theory]
    [InlineData(8192, "WeightType.F16", "orin-nx-16",
        "12.6 GiB of weights and 4.0 GiB of key-value cache at Context = 8192 exceed the 16.0 GiB of target 'orin-nx-16'; "
        + "declare Context = 7064 or less, or smaller weights")]
    [InlineData(1024, "WeightType.F16, WeightType.Q8_0", "orin-nano-4",
        "6.7 GiB of weights and 0.5 GiB of key-value cache at Context = 1024 exceed the 4.0 GiB of target 'orin-nano-4'; "
        + "declare smaller weights and a smaller Context, or a target with more memory")]
    [InlineData(1024, "WeightType.F16", "orin-nx-8",
        "12.6 GiB of weights and 0.5 GiB of key-value cache at Context = 1024 exceed the 8.0 GiB of target 'orin-nx-8'; "
        + "declare [Weights(WeightType.Q8_0)]")]
    public async Task What_does_not_fit_is_told_what_to_reduce(int context, string types, string target, string message) =>
        (await Diagnose.Expect(Declared.Model(
            $"[DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = {context})]",
            "[Attention(Heads = 32)]",
            "[FeedForward(Intermediate = 11008)]",
            $"[Weights({types})]",
            $"[Target({{|SPI0035:\"{target}\"|}})]"))).ShouldBe([message]);

    [Fact]
    public Task What_is_broken_otherwise_has_no_size_to_complain_of() =>
        Diagnose.Expect(Declared.Model("[Attention(Heads = {|SPI0012:7|})]", "[Target(\"orin-nano-4\")]"));
}
