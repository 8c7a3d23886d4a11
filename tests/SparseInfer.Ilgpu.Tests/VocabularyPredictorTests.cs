using System.Runtime.InteropServices;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Sampling;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Words that get no logit on the software CUDA device, beside the CPU's program: the same words, in every way to run.</summary>
public sealed class VocabularyPredictorTests : IDisposable
{
    private const int Tokens = 6;

    private static readonly DecoderCase[] Models =
    [
        new("Words") { Vocabulary = 150, Words = new(16, Threshold: 0.75f, Flat: true), Weights = [WeightType.F32], Layers = 2 },
        new("WordsOfTypes") { Vocabulary = 133, Words = new(32), Tied = true, Weights = [WeightType.F16, WeightType.Q8_0], Layers = 2 },
        new("NoWord") { Words = new(8, Threshold: 1e30f), Weights = [WeightType.F16], Layers = 1 },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedAssembly.Load(
        SpecProject.Of(Models.Select(model => model.Source), [.. Models.Select(model => Parsed.Model(model.Source, model.FullName).ShouldNotBeNull())], ilgpu: true),
        unloads: false));

    private readonly CpuDevice _cpu = Device.Cpu(1);
    private readonly IlgpuDevice _gpu = TestDevice.Open();
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");

    public static TheoryData<string> Names { get; } = [.. Models.Select(model => model.Name)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _gpu.Dispose();
        _cpu.Dispose();
        File.Delete(_path);
    }

    /// <summary>Token by token, metered, a prompt that skips, several sequences together; and the token that the device finds likeliest.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_way_to_run_has_the_words_and_logits_of_the_cpu(string name)
    {
        DecoderCase declared = Models.Single(model => model.Name == name);
        new DecoderWeights(declared).Save(_path);
        using LanguageModel onCpu = Assembly.Value.LoadModel(declared.FullName, _path, _cpu);
        using LanguageModel onGpu = Assembly.Value.LoadModel(declared.FullName, _path, _gpu);
        (float[] expected, VocabularyMetrics counted) = Run(onCpu, UserMode.Predicted, metering: true);
        (float[] alone, _) = Run(onGpu, UserMode.Predicted);

        ShouldBeNear(alone, expected, "one by one");
        (float[] metered, VocabularyMetrics metrics) = Run(onGpu, UserMode.Predicted, metering: true);
        ShouldHaveTheBitsOf(metered, alone, "metered");
        metrics.ShouldBe(counted);
        metrics.Tokens.ShouldBe(Tokens);
        (metrics.Skipped > 0.1).ShouldBe(name != "NoWord");
        ShouldBeNear(Prompt(onGpu, sparse: true), expected, "a prompt that skips");
        ShouldBeNear(Prompt(onGpu, sparse: false), Prompt(onCpu, sparse: false), "a prompt");
        ShouldHaveTheBitsOf(Together(onGpu), alone, "together");

        // In the other modes every word is computed.
        (float[] exact, VocabularyMetrics all) = Run(onGpu, UserMode.Exact, metering: true);
        exact.ShouldAllBe(logit => float.IsFinite(logit));
        all.Skipped.ShouldBe(0);
        all.ShouldBe(Run(onCpu, UserMode.Exact, metering: true).Metrics);
        ShouldHaveTheBitsOf([.. exact.Zip(alone, (a, b) => float.IsNegativeInfinity(b) ? b : a)], alone, "beside all words");
    }

    [Fact]
    public void Words_are_chosen_in_four_launches_and_the_greedy_token_is_one_of_them()
    {
        DecoderCase declared = Models[0];
        new DecoderWeights(declared).Save(_path);
        using LanguageModel model = Assembly.Value.LoadModel(declared.FullName, _path, _gpu);
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Predicted, CacheType = KeyValueType.F32 });
        var greedy = new Sampler(new GenerationOptions { Temperature = 0 }, declared.Vocabulary);
        for (int i = 0; i < Tokens; i++)
        {
            int[] token = [Token(declared.Vocabulary, i)];
            IReadOnlyList<string> launches = TestDevice.Launches(_gpu, () => session.Forward(token));
            launches.TakeLast(5).ShouldBe(["PolicyRows64xF32", "PolicyRows32xF32", "CountWords", "ChosenHeadF32", "ArgMax"]);
            session.State.TryGreedy(declared.Vocabulary, out int found).ShouldBeTrue();
            found.ShouldBe(greedy.Sample(session.State.LastLogits));
        }
    }

    private static int Token(int vocabulary, int i) => ((i * i) + (3 * i) + 1) % vocabulary;

    private static (float[] Logits, VocabularyMetrics Metrics) Run(LanguageModel model, UserMode mode, bool metering = false)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode, Metering = metering, CacheType = KeyValueType.F32 });
        var logits = new List<float>();
        for (int i = 0; i < Tokens; i++)
        {
            logits.AddRange(session.Forward([Token(model.Shape.Vocabulary, i)]));
        }

        return ([.. logits], session.ReadVocabularyMetrics());
    }

    private static float[] Prompt(LanguageModel model, bool sparse)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Predicted, SparsePrompt = sparse, CacheType = KeyValueType.F32 });
        float[] logits = new float[Tokens * model.Shape.Vocabulary];
        session.Forward([.. Enumerable.Range(0, Tokens).Select(i => Token(model.Shape.Vocabulary, i))], logits);
        return logits;
    }

    private static float[] Together(LanguageModel model)
    {
        var options = new SessionOptions { Mode = UserMode.Predicted, CacheType = KeyValueType.F32 };
        using Session session = model.CreateSession(options);
        using Session other = model.CreateSession(options);
        using SessionBatch batch = model.CreateBatch();
        var logits = new List<float>();
        for (int i = 0; i < Tokens; i++)
        {
            batch.Forward([other, session], [Token(model.Shape.Vocabulary, i + 5), Token(model.Shape.Vocabulary, i)]);
            logits.AddRange(batch.Logits(1));
        }

        return [.. logits];
    }

    private static void ShouldBeNear(float[] actual, float[] expected, string where)
    {
        actual.Select(float.IsNegativeInfinity).ShouldBe(expected.Select(float.IsNegativeInfinity), where);
        (float Actual, float Expected)[] left = [.. actual.Zip(expected).Where(pair => float.IsFinite(pair.Second))];
        left.Max(pair => Math.Abs(pair.Actual - pair.Expected)).ShouldBeLessThan(1e-3f * left.Max(pair => Math.Abs(pair.Expected)), where);
    }

    private static void ShouldHaveTheBitsOf(float[] actual, float[] expected, string where) =>
        MemoryMarshal.Cast<float, int>(actual).SequenceEqual(MemoryMarshal.Cast<float, int>(expected)).ShouldBeTrue(where);
}
