using Microsoft.CodeAnalysis;
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
        new("Falcon7B")
        {
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            KeyValueHeads = 1,
            Gated = false,
            Tied = true,
            Alphas = [1m, null, 1.1m],
            Traits = ["[ParallelAttention]"],
            File = ("falcon", []),
        },
        new("Falcon40B")
        {
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            QueryKeyValueBiases = true,
            OutputBias = true,
            Gated = false,
            Weights = [WeightType.F16],
            Traits = ["[ParallelAttention(Norms = 2)]"],
            File = ("falcon", []),
        },
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
        DecoderWeights weights = Weights(declared);
        float[] logits = With(declared, weights, Devices[0], model => Prompt(model, mode));
        var reference = new Reference(declared, weights, mode);
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
        DecoderWeights weights = Weights(declared);
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
        DecoderWeights weights = Weights(declared);
        float[] dense = With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Dense));
        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[2], model => Prompt(model, SparsityMode.Exact)), "exact");
        ShouldHaveTheBitsOf(dense, With(declared, Weights(declared, fuses: false), Devices[0], model => Prompt(model, SparsityMode.Exact)), "apart");
    }

    [Fact]
    public void A_file_with_another_number_of_norms_is_refused()
    {
        Refused("Falcon7B", Weights(Of("Falcon40B"))).ShouldContain(
            "'general.architecture' is 'falcon' and there is a tensor 'blk.0.attn_norm_2.weight', which is [ParallelAttention] Norms = 2, but 1 is declared");
        Refused("Falcon40B", Weights(Of("Falcon7B"))).ShouldContain(
            "'general.architecture' is 'falcon', which is [ParallelAttention] Norms = 1, but 2 is declared");
    }

    /// <summary>Once, though three matrices are parts of it.</summary>
    [Fact]
    public void Heads_in_one_tensor_of_another_shape_are_said_once()
    {
        string message = Refused("Falcon7B", Weights(Of("Falcon7B") with { KeyValueHeads = 2 }));
        message.ShouldContain("tensor 'blk.0.attn_qkv.weight' is [128, 64], but [96, 64] ((Heads + 2 * KeyValueHeads) * HeadDimension x Hidden) is declared");
        message.Split("'blk.0.attn_qkv.weight'").Length.ShouldBe(2);
    }

    [Fact]
    public void A_gpu_has_no_launch_for_it_and_says_so()
    {
        Diagnostic refused = GeneratedProject.Driver()
            .RunGenerators(GeneratedProject.Compilation(Of("Falcon7B").Source).WithIlgpu(), TestContext.Current.CancellationToken)
            .GetRunResult().Diagnostics.ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldContain("no kernel for GPUs computes ");
    }

    [Theory]
    [InlineData("[ParallelAttention(Norms = {|SPI0048:0|})]")]
    [InlineData("[ParallelAttention(Norms = {|SPI0048:3|})]")]
    [InlineData("[ParallelAttention(Norms = 2)]")]
    [InlineData("[ParallelAttention]")]
    public Task There_are_one_or_two_norms(string attribute) => Diagnose.Expect(Declared.Model(attribute));

    private static DecoderCase Of(string name) => All.Single(model => model.Name == name);

    /// <summary>As files have it: the only norm, or the feed-forward's of two, is called as attention's is elsewhere.</summary>
    private static DecoderWeights Weights(DecoderCase declared, bool fuses = true)
    {
        var weights = new DecoderWeights(declared) { FusesHeads = fuses };
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            if (declared.Name == "Falcon40B")
            {
                weights.RenameNorm(block + "attn_norm", block + "attn_norm_2");
                weights.RenameNorm(block + "ffn_norm", block + "attn_norm");
            }
            else
            {
                weights.RenameNorm(block + "ffn_norm", null);
            }
        }

        return weights;
    }

    private static string Refused(string declared, DecoderWeights weights) =>
        Should.Throw<ModelFormatException>(() => With(Of(declared), weights, Devices[0], model => Prompt(model, SparsityMode.Dense))).Message;

    private static float[] With(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);

    private sealed class Reference(DecoderCase model, DecoderWeights weights, SparsityMode mode) : DecoderReference(model, weights, mode)
    {
        private readonly bool _hasTwoNorms = model.Name == "Falcon40B";

        protected override double[] Layer(int layer, string block, double[] x) => Add(
            Add(x, Attention(layer, block, Norm(x, block + (_hasTwoNorms ? "attn_norm_2" : "attn_norm")))),
            FeedForward(layer, block, x, Norm(x, block + "attn_norm")));
    }
}
