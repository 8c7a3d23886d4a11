using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary><c>[SubNorms]</c>: BitNet's decoder, and one of several slices of neurons whose heads are wider than the residual stream.</summary>
public sealed class SubNormsTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(2), Device.Cpu(3)];

    private static IReadOnlyList<DecoderCase> All => TraitZoo.SubNorms;

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. All.Select(model => model.Source)]));

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } = new(All.Select(model => model.Name), Enum.GetValues<SparsityMode>());

    /// <summary>A neuron that the predictor leaves out is zero in the norm, too: that is what Predicted means here.</summary>
    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Logits_are_those_of_double_precision(string name, SparsityMode mode)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] logits = With(declared, weights, Devices[0], model => Prompt(model, mode));
        DecoderReference reference = TraitZoo.Reference(declared, weights, mode);
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            worst.ShouldBeLessThan(5e-5 * expected.Max(Math.Abs), $"{name}, {mode}, position {i}");
        }
    }

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Decoding_has_the_bits_of_the_prompt_on_any_number_of_threads_metered_or_not(string name, SparsityMode mode)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] expected = With(declared, weights, Devices[0], model => Prompt(model, mode));
        foreach (CpuDevice device in Devices)
        {
            ShouldHaveTheBitsOf(expected, With(declared, weights, device, model => Prompt(model, mode)), $"prompt, {device.Name}");
            ShouldHaveTheBitsOf(expected, With(declared, weights, device, model => Decode(model, mode, metering: true)), $"decode, {device.Name}");
        }
    }

    [Theory]
    [InlineData("BitNet")]
    [InlineData("BitNetWide")]
    public void Exact_has_the_bits_of_dense_and_a_batched_prompt_those_of_one_token_at_a_time(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] dense = With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Dense));
        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Exact)), "exact");
        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[1], model => Decode(model, SparsityMode.Exact)), "decode");
        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[1], model => Prompt(model, SparsityMode.Predicted, sparsePrompt: false)), "batched");
    }

    /// <summary>The norm is where one more barrier is: it waits for the squares of all neurons.</summary>
    [Fact]
    public void Barriers_follow_from_what_is_read() => GeneratedProject.Generate(Of("BitNet").Source)
        .Single(source => source.HintName == "BitNet.Cpu.g.cs").SourceText.ToString()
        .ShouldContain("6 a layer: heads, attention, projection, neurons, their norm, sum");

    [Fact]
    public void A_model_without_them_does_not_fit_the_file() => Should.Throw<ModelFormatException>(() =>
    {
        DecoderCase plain = Of("BitNet") with { Name = "Plain", Traits = [] };
        return DecoderRun.With(TraitZoo.Weights(plain), path => GeneratedProject.Build(plain.Source).LoadModel("Plain", path, Devices[0]), _ => 0);
    }).Message.ShouldContain("'general.architecture' is 'bitnet', which is [SubNorms], but [SubNorms] is not declared");

    [Fact]
    public async Task They_are_rms_norms()
    {
        await Diagnose.Expect(Declared.Model("[SubNorms]"));
        await Diagnose.Expect(Declared.Model("[{|SPI0049:SubNorms|}]", "[LayerNorm]").Replace("[RmsNorm]\n", "", StringComparison.Ordinal));
    }

    private static DecoderCase Of(string name) => All.Single(model => model.Name == name);

    private static float[] With(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);
}
