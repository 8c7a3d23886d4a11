using SparseInfer.Files;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary><c>[ParallelAttention]</c>: the decoders of Falcon-7B and Falcon-40B with ReLU, query, key and value as one tensor.</summary>
public sealed class ParallelAttentionTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(2), Device.Cpu(3)];

    private static readonly DecoderCase[] All =
    [
        .. TraitZoo.Parallel,
        new("FalconOfExperts")
        {
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            Gated = false,
            Experts = 5,
            ActiveExperts = 2,
            Traits = ["[ParallelAttention]"],
            File = ("falcon", []),
        },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. All.Select(model => model.Source)]));

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } = new(All.Select(model => model.Name), Enum.GetValues<SparsityMode>());

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
            worst.ShouldBeLessThan(2e-5 * expected.Max(Math.Abs), $"{name}, {mode}, position {i}");
        }
    }

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Decoding_has_the_bits_of_the_prompt_on_any_number_of_threads(string name, SparsityMode mode)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] expected = With(declared, weights, Devices[0], model => Prompt(model, mode));
        foreach (CpuDevice device in Devices)
        {
            ShouldHaveTheBitsOf(expected, With(declared, weights, device, model => Prompt(model, mode)), $"prompt, {device.Name}");
            ShouldHaveTheBitsOf(expected, With(declared, weights, device, model => Decode(model, mode)), $"decode, {device.Name}");
        }
    }

    [Theory]
    [InlineData("Falcon7B")]
    [InlineData("Falcon40B")]
    public void Exact_has_the_bits_of_dense(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] dense = With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Dense));
        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Exact)), "exact");
        ShouldHaveTheBitsOf(dense, With(declared, TraitZoo.Weights(declared, fuses: false), Devices[0], model => Prompt(model, SparsityMode.Exact)), "apart");
    }

    [Fact]
    public void A_file_with_another_number_of_norms_is_refused()
    {
        Refused("Falcon7B", TraitZoo.Weights(Of("Falcon40B"))).ShouldContain(
            "'general.architecture' is 'falcon' and there is a tensor 'blk.0.attn_norm_2.weight', which is [ParallelAttention] Norms = 2, but 1 is declared");
        Refused("Falcon40B", TraitZoo.Weights(Of("Falcon7B"))).ShouldContain(
            "'general.architecture' is 'falcon', which is [ParallelAttention] Norms = 1, but 2 is declared");
    }

    /// <summary>Once, though three matrices are parts of it.</summary>
    [Fact]
    public void Heads_in_one_tensor_of_another_shape_are_said_once()
    {
        string message = Refused("Falcon7B", TraitZoo.Weights(Of("Falcon7B") with { KeyValueHeads = 2 }));
        message.ShouldContain("tensor 'blk.0.attn_qkv.weight' is [128, 64], but [96, 64] ((Heads + 2 * KeyValueHeads) * HeadDimension x Hidden) is declared");
        message.Split("'blk.0.attn_qkv.weight'").Length.ShouldBe(2);
    }

    [Theory]
    [InlineData("[ParallelAttention(Norms = {|SPI0048:0|})]")]
    [InlineData("[ParallelAttention(Norms = {|SPI0048:3|})]")]
    [InlineData("[ParallelAttention(Norms = 2)]")]
    [InlineData("[ParallelAttention]")]
    public Task There_are_one_or_two_norms(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    private static DecoderCase Of(string name) => All.Single(model => model.Name == name);

    private static string Refused(string declared, DecoderWeights weights) =>
        Should.Throw<ModelFormatException>(() => With(Of(declared), weights, Devices[0], model => Prompt(model, SparsityMode.Dense))).Message;

    private static float[] With(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);
}
