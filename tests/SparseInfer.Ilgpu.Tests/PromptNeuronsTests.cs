using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Ilgpu.Tests;

/// <summary><c>[PromptNeurons]</c> on the software CUDA device, beside the CPU's program, which is tested against the definition.</summary>
public sealed class PromptNeuronsTests(PromptNeuronsTests.OwnModels models) : IClassFixture<PromptNeuronsTests.OwnModels>
{
    private const int First = 6;

    private const int Generated = 2;

    private const int Second = 3;

    private static readonly DecoderCase[] Models =
    [
        new("Gated") { Intermediate = 150, Activation = Activation.Silu, PromptKeeps = [null, 0.5f, 0.1f], Weights = [WeightType.F32] },
        new("Plain")
        {
            Gated = false, FeedForwardBiases = true, Activation = Activation.Gelu, Layers = 2, PromptKeeps = [0.3f, 0.3f], Weights = [WeightType.F16, WeightType.BF16],
        },
        TraitZoo.SubNorms[1] with { Name = "Normed", Alphas = [], PromptKeeps = [0.5f, null, 0.25f] },
        new("All") { Intermediate = 150, Activation = Activation.Silu, PromptKeeps = [null, 1f, 1f], Weights = [WeightType.F32] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedAssembly.Load(
        SpecProject.Of(Models.Select(model => model.Source), [.. Models.Select(model => Parsed.Model(model.Source, model.FullName)!)], ilgpu: true), unloads: false));

    /// <summary>Two prompts and what follows each: whole, in parts, metered, as a sparse prompt, beside another sequence, and taken back.</summary>
    [Theory]
    [InlineData("Gated")]
    [InlineData("Plain")]
    [InlineData("Normed")]
    public void Every_way_to_run_has_the_logits_of_the_cpu(string name)
    {
        LanguageModel onCpu = models.OnCpu(Find(name));
        LanguageModel onGpu = models.OnGpu(Find(name));
        float[] expected = Run(onCpu);
        float[] alone = Run(onGpu);

        ShouldBeNear(alone, expected, "whole");
        ShouldBeNear(Run(onGpu, asPrompt: true), expected, "what follows as a prompt");

        // A prompt's last logits come from another kernel where nobody asks for others.
        ShouldHaveTheBitsOf(AfterPrompts(Run(onGpu, part: 2)), AfterPrompts(alone), "in parts");
        ShouldHaveTheBitsOf(Run(onGpu, metering: true), alone, "metered");
        ShouldHaveTheBitsOf(Run(onGpu, isTogether: true), alone, "together");
        ShouldHaveTheBitsOf(Run(onGpu, takesBack: true), alone, "taken back");
    }

    [Fact]
    public void Keeping_all_and_a_sequence_without_a_prompt_are_dense_bit_for_bit()
    {
        LanguageModel all = models.OnGpu(Find("All"));
        ShouldHaveTheBitsOf(Run(all), Run(all, mode: UserMode.Dense), "all");
        LanguageModel half = models.OnGpu(Find("Gated"));
        using Session predicted = half.CreateSession(new SessionOptions { Mode = UserMode.Predicted });
        using Session dense = half.CreateSession(new SessionOptions { Mode = UserMode.Dense });
        ShouldHaveTheBitsOf(predicted.Forward([7]).ToArray(), dense.Forward([7]).ToArray(), "no prompt");
    }

    [Fact]
    public void Meters_count_what_the_cpu_counts_and_a_launch_brings_what_is_chosen()
    {
        LanguageModel onCpu = models.OnCpu(Find("Gated"));
        LanguageModel onGpu = models.OnGpu(Find("Gated"));
        using Session expected = onCpu.CreateSession(new SessionOptions { Mode = UserMode.Predicted, Metering = true });
        using Session actual = onGpu.CreateSession(new SessionOptions { Mode = UserMode.Predicted, Metering = true });
        Converse(expected, First, asPrompt: false);
        Converse(actual, First, asPrompt: false);
        for (int layer = 0; layer < 3; layer++)
        {
            actual.ReadMetrics()[layer].PredictedSparsity.ShouldBe(expected.ReadMetrics()[layer].PredictedSparsity, $"layer {layer}");
            actual.ReadMetrics()[layer].BytesPerToken.ShouldBe(expected.ReadMetrics()[layer].BytesPerToken, $"layer {layer}");
        }

        actual.Metering = false;
        TestDevice.Launches(models.Gpu, () => actual.Forward([1])).Count(launch => launch.StartsWith("BringPromptNeurons", StringComparison.Ordinal)).ShouldBe(2);
        IReadOnlyList<string> ofPrompt = TestDevice.Launches(models.Gpu, () => actual.Forward([1, 2]));
        ofPrompt.Count(launch => launch == "AddShares").ShouldBe(2, string.Join(", ", ofPrompt));
    }

    private static DecoderCase Find(string name) => Models.Single(model => model.Name == name);

    private static float[] Run(
        LanguageModel model, int part = First, bool metering = false, bool asPrompt = false, bool isTogether = false, bool takesBack = false, UserMode mode = UserMode.Predicted)
    {
        var options = new SessionOptions { Mode = mode, Metering = metering, CacheType = KeyValueType.F32 };
        using Session session = model.CreateSession(options);
        if (takesBack)
        {
            Converse(session, First, asPrompt: false);
            session.Rewind(3);
            session.Forward([1, 2, 3]);
            session.Rewind(0);
        }

        if (!isTogether)
        {
            return Converse(session, part, asPrompt);
        }

        // The other has another prompt, or at first none.
        using Session other = model.CreateSession(options);
        using SessionBatch batch = model.CreateBatch();
        return Converse(session, part, asPrompt: false, token =>
        {
            batch.Forward([other, session], [other.Position + 2, token]);
            float[] logits = batch.Logits(1).ToArray();
            other.Forward([3, 8, 4, 9]);
            return logits;
        });
    }

    private static float[] Converse(Session session, int part, bool asPrompt, Func<int, float[]>? decode = null)
    {
        const int Vocabulary = 61;
        decode ??= token => session.Forward([token]).ToArray();
        var logits = new List<float>();
        for (int i = 0; i < First + Generated + Second + Generated;)
        {
            int end = i < First ? First : i < First + Generated ? First + Generated : i < First + Generated + Second ? First + Generated + Second : First + Generated + Second + Generated;
            bool isPrompt = end is First or First + Generated + Second;
            int count = isPrompt ? Math.Min(part, end - i) : asPrompt ? end - i : 1;
            int[] tokens = [.. Enumerable.Range(i, count).Select(position => ((position * position) + (3 * position) + 1) % Vocabulary)];
            session.SparsePrompt = asPrompt && !isPrompt;
            float[] room = new float[count * Vocabulary];
            if (isPrompt || asPrompt)
            {
                session.Forward(tokens, room);
            }

            logits.AddRange(isPrompt || asPrompt ? room : decode(tokens[0]));
            i += count;
        }

        return [.. logits];
    }

    private static float[] AfterPrompts(float[] logits)
    {
        float[][] tokens = [.. logits.Chunk(logits.Length / (First + Second + (2 * Generated)))];
        return [.. tokens.Skip(First).Take(Generated).Concat(tokens.TakeLast(Generated)).SelectMany(token => token)];
    }

    private static void ShouldBeNear(float[] actual, float[] expected, string where) =>
        actual.Zip(expected, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-4f * expected.Max(MathF.Abs), where);

    private static void ShouldHaveTheBitsOf(float[] actual, float[] expected, string where) =>
        MemoryMarshal.Cast<float, int>(actual).SequenceEqual(MemoryMarshal.Cast<float, int>(expected)).ShouldBeTrue(where);

    /// <summary>The models of these tests.</summary>
    public sealed class OwnModels : LoadedModels
    {
        private protected override LanguageModel Load(DecoderCase declared, string path, Device device) =>
            Assembly.Value.LoadModel(declared.FullName, path, device);
    }
}
