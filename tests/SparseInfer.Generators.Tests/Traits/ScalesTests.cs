using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary><c>[Scales]</c>: MiniCPM's decoder, FATReLU included.</summary>
public sealed class ScalesTests
{
    private const float Residual = 0.3f;
    private const float Logits = 0.375f;

    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(2), Device.Cpu(3)];

    private static readonly DecoderCase Declared = new("MiniCpm")
    {
        Activation = Activation.FatRelu,
        EmbeddingScale = 12,
        Tied = true,
        Alphas = [1m, null, 1.1m],
        Traits = ["[Scales(Residual = 0.3f, Logits = 0.375f)]"],
        File = ("minicpm", [("residual_scale", Residual), ("logit_scale", 1 / Logits)]),
    };

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build(Declared.Source));

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public void Logits_are_those_of_double_precision(SparsityMode mode)
    {
        var weights = new DecoderWeights(Declared);
        float[] logits = With(weights, Devices[0], model => Prompt(model, mode));
        var reference = new Reference(Declared, weights, mode);
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(Declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * Declared.Vocabulary) + j] - value)).Max();
            worst.ShouldBeLessThan(2e-5 * expected.Max(Math.Abs), $"{mode}, position {i}");
        }
    }

    [Theory]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public void Decoding_has_the_bits_of_the_prompt_on_any_number_of_threads(SparsityMode mode)
    {
        var weights = new DecoderWeights(Declared);
        float[] expected = With(weights, Devices[0], model => Prompt(model, mode));
        foreach (CpuDevice device in Devices)
        {
            ShouldHaveTheBitsOf(expected, With(weights, device, model => Prompt(model, mode)), $"prompt, {device.Name}");
            ShouldHaveTheBitsOf(expected, With(weights, device, model => Decode(model, mode)), $"decode, {device.Name}");
        }
    }

    [Fact]
    public void Exact_has_the_bits_of_dense()
    {
        var weights = new DecoderWeights(Declared);
        float[] dense = With(weights, Devices[2], model => Prompt(model, SparsityMode.Dense));
        ShouldHaveTheBitsOf(dense, With(weights, Devices[2], model => Prompt(model, SparsityMode.Exact)), "exact");
        ShouldHaveTheBitsOf(dense, With(weights, Devices[2], model => Decode(model, SparsityMode.Dense)), "decode");
    }

    /// <summary>A factor of 1 is no operation: the text is that of a plain decoder, but for the head comment.</summary>
    [Fact]
    public void A_factor_of_one_multiplies_nothing()
    {
        string text = GeneratedProject.Generate((Declared with { Traits = ["[Scales(Logits = 0.5f)]"] }).Source)
            .Single(source => source.HintName == "MiniCpm.Cpu.g.cs").SourceText.ToString();
        text.ShouldContain("Elementwise.Scale(ref Logits, 0.5f, fromToken, toToken);");
        text.ShouldNotContain("Elementwise.Scale(ref projected");
    }

    /// <summary>What attention makes and what the feed-forward makes are multiplied by the same, by one kernel.</summary>
    [Fact]
    public void On_a_gpu_both_blocks_share_a_kernel()
    {
        string text = GeneratedProject.Generate(GeneratedProject.Compilation(Declared.Source).WithIlgpu())
            .Single(source => source.HintName == "MiniCpm.Ilgpu.g.cs").SourceText.ToString();
        text.Split('\n').Count(line => line.Contains("static void Scale", StringComparison.Ordinal)).ShouldBe(2);
        text.ShouldContain("static void ScaleProjected(");
        text.ShouldContain("static void ScaleLogits(");
    }

    [Theory]
    [InlineData("logit_scale", 4f, "'minicpm.logit_scale' is 4, which is [Scales] Logits = 0.25, but 0.375 is declared")]
    [InlineData("residual_scale", 1f, "'minicpm.residual_scale' is 1, which is [Scales] Residual = 1, but 0.3 is declared")]
    [InlineData("logit_scale", 0f, "'minicpm.logit_scale' is 0, which makes [Scales] Logits")]
    public void A_file_that_says_another_factor_is_refused(string key, float value, string message) =>
        Refused(Declared with { File = ("minicpm", [.. Declared.File!.Value.Keys.Select(pair => pair.Key == key ? (key, value) : pair)]) }).ShouldContain(message);

    [Fact]
    public void A_file_of_an_architecture_without_scales_is_refused() =>
        Refused(Declared with { File = null }).ShouldContain("'general.architecture' is 'llama', which has no [Scales], but it is declared");

    [Fact]
    public void A_file_that_says_nothing_is_of_a_model_whose_scales_are_usual() =>
        Refused(Declared with { File = ("minicpm", []) }).ShouldContain(
            "'minicpm.residual_scale' is absent, which means 0.80829036 in architecture minicpm, which is [Scales] Residual = 0.80829036, but 0.3 is declared");

    [Theory]
    [InlineData("[Scales(Residual = {|SPI0047:0|})]")]
    [InlineData("[Scales(Residual = {|SPI0047:-0.5f|}, Logits = {|SPI0047:float.NaN|})]")]
    [InlineData("[Scales(Logits = {|SPI0047:1 / 0f|})]")]
    [InlineData("[Scales(Residual = 0.5f, Logits = 2)]")]
    [InlineData("[Scales]")]
    public Task Scales_are_finite_and_positive(string attribute) => Diagnose.Expect(Fixture.Declared.Model(attribute));

    private static string Refused(DecoderCase file) =>
        Should.Throw<ModelFormatException>(() => With(new DecoderWeights(file), Devices[0], model => Prompt(model, SparsityMode.Dense))).Message;

    private static float[] With(DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(Declared.FullName, path, device), run);

    private sealed class Reference(DecoderCase model, DecoderWeights weights, SparsityMode mode) : DecoderReference(model, weights, mode)
    {
        protected override double[] Added(string part, double[] x) => [.. x.Select(value => value * Residual)];

        protected override double[] Logits(double[] x) => [.. x.Select(value => value * ScalesTests.Logits)];
    }
}
