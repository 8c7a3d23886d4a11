using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Words that get no logit: which they are, and that the others' logits are what they are without a predictor.</summary>
public sealed class VocabularyPredictorTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly DecoderCase[] Models =
    [
        new("Words") { Vocabulary = 700, Words = new(16), Weights = [WeightType.F32] },
        new("FewWords") { Vocabulary = 301, Words = new(8, Threshold: 1.5f, Flat: true), Tied = true, Weights = [WeightType.F16] },
        new("WordsOfTypes") { HasArchitecture = false, Vocabulary = 533, Words = new(32, Threshold: -0.5f), Weights = [WeightType.F16, WeightType.Q8_0], Traits = ["[Scales(Logits = 0.25f)]"] },
        new("WordsOfBlocks") { Vocabulary = 320, Words = new(32, Flat: true), Weights = [WeightType.Q8_0] },
        new("WordsOfRoles")
        {
            HasArchitecture = false,
            Vocabulary = 260,
            Words = new(40),
            Weights = [WeightType.BF16],
            RoleWeights = [(WeightRole.Head, [WeightType.Q4_0, WeightType.F16])],
            Predictors = [new(32), null, new(32, PredictorInput.Normed)],
        },
        new("NoWord") { Words = new(8, Threshold: 1e30f), Weights = [WeightType.F32] },
        new("EveryWord") { Words = new(8, Threshold: -1e30f), Weights = [WeightType.F32] },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. Models.Select(model => model.Source)]));

    public static TheoryData<string> Names { get; } = [.. Models.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Words_and_logits_are_those_of_double_precision(string name)
    {
        DecoderCase declared = Model(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        var reference = TraitZoo.Reference(declared, weights, SparsityMode.Predicted);
        float[] logits = With(declared, Devices[1], model => Decode(model, SparsityMode.Predicted));
        float scale = declared.Traits.Length > 0 ? 0.25f : 1;
        int skipped = 0;
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double largest = expected.Max(Math.Abs);
            largest = double.IsInfinity(largest) ? expected.Where(double.IsFinite).Max(Math.Abs) : largest;
            for (int word = 0; word < expected.Length; word++)
            {
                float actual = logits[(i * declared.Vocabulary) + word];
                skipped += float.IsNegativeInfinity(actual) ? 1 : 0;

                // Rounding decides words whose score is the threshold's but for the last digits.
                bool isDecided = Math.Abs(reference.Scores[word] - declared.Words!.Threshold) > (declared.Weights.Contains(WeightType.F32) ? 1e-5 : 5e-3);
                if (float.IsNegativeInfinity(actual) != double.IsNegativeInfinity(expected[word]))
                {
                    isDecided.ShouldBeFalse($"{name}, token {i}, word {word}: {actual} for {expected[word]}, which scores {reference.Scores[word]}");
                }
                else if (double.IsFinite(expected[word]))
                {
                    ((double)actual).ShouldBe(expected[word] * scale, 1e-3 * largest, $"{name}, token {i}, word {word}");
                }
            }
        }

        double share = skipped / (double)logits.Length;
        share.ShouldBeInRange(name is "NoWord" or "EveryWord" ? 0 : 0.2, name is "NoWord" or "EveryWord" ? 0 : 0.97);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_that_are_left_have_the_bits_of_all_words_computed(string name)
    {
        DecoderCase declared = Model(name);
        float[] exact = With(declared, Devices[0], model => Decode(model, SparsityMode.Exact));
        float[] predicted = With(declared, Devices[0], model => Decode(model, SparsityMode.Predicted));
        if (declared.Predictors.Length == 0)
        {
            ShouldHaveTheBitsOf([.. exact.Zip(predicted, (a, b) => float.IsNegativeInfinity(b) ? b : a)], predicted, name);
        }

        exact.ShouldAllBe(logit => float.IsFinite(logit));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_bits_are_those_of_any_number_of_threads_of_a_prompt_of_a_metered_run_and_of_sequences_together(string name)
    {
        DecoderCase declared = Model(name);
        float[] expected = With(declared, Devices[0], model => Decode(model, SparsityMode.Predicted));
        ShouldHaveTheBitsOf(expected, With(declared, Devices[1], model => Decode(model, SparsityMode.Predicted)), "threads");
        ShouldHaveTheBitsOf(expected, With(declared, Devices[1], model => Decode(model, SparsityMode.Predicted, metering: true)), "metered");
        ShouldHaveTheBitsOf(expected, With(declared, Devices[1], model => Prompt(model, SparsityMode.Predicted)), "a prompt");
        float[] alone = With(declared, Devices[0], model => Sequences(model, SparsityMode.Predicted, together: false));
        ShouldHaveTheBitsOf(alone, With(declared, Devices[1], model => Sequences(model, SparsityMode.Predicted, together: true)), "together");

        // A prompt that is dense has every logit.
        With(declared, Devices[1], model => Prompt(model, SparsityMode.Predicted, sparsePrompt: false)).ShouldAllBe(logit => float.IsFinite(logit));
    }

    [Theory]
    [InlineData("Words", 4)]
    [InlineData("WordsOfBlocks", 34 / 32.0)]
    [InlineData("NoWord", 4)]
    public void Meters_count_words_and_bytes(string name, double weightBytes)
    {
        DecoderCase declared = Model(name);
        foreach (CpuDevice device in Devices)
        {
            foreach (bool prompt in new[] { false, true })
            {
                (float[] logits, VocabularyMetrics metrics) = With(declared, device, model => Metered(model, SparsityMode.Predicted, prompt));
                double words = logits.Count(float.IsFinite) / (double)Tokens;
                metrics.Tokens.ShouldBe(Tokens);
                metrics.Skipped.ShouldBe(1 - (words / declared.Vocabulary), 1e-12);
                int rank = declared.Words!.Rank;
                int paddedRank = (rank + 31) / 32 * 32;
                double weights = (words * declared.Hidden) + (rank * declared.Hidden) + (declared.Vocabulary * paddedRank);
                metrics.BytesPerToken.ShouldBe(weights * weightBytes, 1e-6);
                (_, VocabularyMetrics dense) = With(declared, device, model => Metered(model, SparsityMode.Exact, prompt));
                dense.Tokens.ShouldBe(Tokens);
                dense.Skipped.ShouldBe(0);
                dense.BytesPerToken.ShouldBe(declared.Vocabulary * declared.Hidden * weightBytes, 1e-6);
            }
        }
    }

    [Fact]
    public void Greedy_and_sampled_tokens_are_words_that_have_a_logit()
    {
        DecoderCase declared = Model("FewWords");
        With(declared, Devices[1], model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = UserMode.Predicted });
            var greedy = new Sampling.Sampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 1.3f }, declared.Vocabulary);
            var drawn = new Sampling.Sampler(new GenerationOptions { Temperature = 2f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 3, RepetitionPenalty = 1.3f }, declared.Vocabulary);
            var top = new Sampling.Sampler(new GenerationOptions { Temperature = 1f, TopK = 200, Seed = 4 }, declared.Vocabulary);
            for (int i = 0; i < 60; i++)
            {
                float[] logits = session.Forward([Token(declared.Vocabulary, i)]).ToArray();
                foreach (int token in new[] { greedy.Sample(logits), drawn.Sample(logits), top.Sample(logits) })
                {
                    float.IsFinite(logits[token]).ShouldBeTrue();
                }
            }

            return 0;
        });
    }

    [Fact]
    public void The_matrices_are_refused_by_name_where_the_file_has_others()
    {
        DecoderCase declared = Model("Words");
        Message(declared with { Words = new(24) }).ShouldContain(
            "tensor 'lm_head_profiler.fc1.weight' is [24, 64], but [16, 64] ([VocabularyPredictor] Rank x Hidden) is declared");
        Message(declared with { Words = new(24, Flat: true) }).ShouldContain(
            "tensor 'lm_head_profiler.weight' is [1, 18336], but 12224 elements ([VocabularyPredictor] Rank * (Hidden + Vocabulary)) are declared");
        Message(declared with { Words = null }).ShouldContain("tensor 'lm_head_profiler.fc1.weight' is missing");

        string Message(DecoderCase other) => Should.Throw<Files.ModelFormatException>(
            () => DecoderRun.With(new DecoderWeights(other), path => Assembly.Value.LoadModel(declared.FullName, path, Devices[0]), model => 0)).Message;
    }

    /// <summary>Alone or in one flat tensor, whichever form the model's file has, and in a type that is not declared.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_matrices_of_a_predictor_file_go_before_the_models(bool flat)
    {
        DecoderCase declared = Model("FewWords");
        string[] paths = [.. new[] { ".gguf", ".predictor.gguf" }.Select(end => Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + end))];
        try
        {
            DecoderWeights of = new(declared with { Words = declared.Words! with { Flat = flat }, Weights = [WeightType.BF16] });
            of.Save(paths[1], IsOfWords);
            float[] expected = [];
            foreach (bool? ofModel in new bool?[] { null, false, true })
            {
                new DecoderWeights(declared with { Words = declared.Words! with { Flat = ofModel == true } }).Save(paths[0], tensor => ofModel is not null || !IsOfWords(tensor));
                using LanguageModel model = Assembly.Value.LoadModel(declared.FullName, paths[0], Devices[0], new LoadOptions { PredictorFile = paths[1] });
                float[] logits = Decode(model, SparsityMode.Predicted);
                model.LoadReport.Notes.ShouldContain($"{(flat ? 1 : 2)} tensors of policies are from '{paths[1]}'.");
                expected = expected.Length == 0 ? logits : expected;
                ShouldHaveTheBitsOf(expected, logits, $"{flat}, {ofModel}");
            }
        }
        finally
        {
            Array.ForEach(paths, File.Delete);
        }

        static bool IsOfWords(string tensor) => tensor.StartsWith("lm_head_profiler", StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_of_the_model_covers_no_layer()
    {
        ModelSpec spec = Parsed.Model(Model("Words").Source, "Words").ShouldNotBeNull();
        spec.ModelPolicies.ShouldHaveSingleItem().Label().ShouldBe("vocabulary 16");
        spec.Policies.ShouldHaveSingleItem().Policy.Label().ShouldBe("exact");
        ModelProgram.Of(spec).Words.ShouldNotBeNull().Projects.Select(project => project.Policy!.Layers.Count).ShouldBe([1, 1]);
        string text = new DecoderClass(DecoderPlan.Of(spec)).Emit();
        text.ShouldContain("//   the head     words that score above 0 by a predictor of rank 16; the others' logits are minus infinity");
    }

    private static DecoderCase Model(string name) => Models.Single(model => model.Name == name);

    private static T With<T>(DecoderCase declared, Device device, Func<LanguageModel, T> run) =>
        DecoderRun.With(TraitZoo.Weights(declared), path => Assembly.Value.LoadModel(declared.FullName, path, device), run);

    private static (float[] Logits, VocabularyMetrics Metrics) Metered(LanguageModel model, SparsityMode mode, bool prompt)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, SparsePrompt = true, Metering = true });
        int[] tokens = [.. Enumerable.Range(0, Tokens).Select(i => Token(model.Shape.Vocabulary, i))];
        float[] logits = new float[Tokens * model.Shape.Vocabulary];
        if (prompt)
        {
            session.Forward(tokens, logits);
        }
        else
        {
            for (int i = 0; i < Tokens; i++)
            {
                session.Forward(tokens.AsSpan(i, 1)).CopyTo(logits.AsSpan(i * model.Shape.Vocabulary));
            }
        }

        return (logits, session.ReadVocabularyMetrics());
    }
}
