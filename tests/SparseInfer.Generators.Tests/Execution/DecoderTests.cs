using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Whole generated decoders, executed on random weights.</summary>
public sealed class DecoderTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly IReadOnlyList<DecoderCase> Zoo = [.. DecoderZoo.Everything];

    public static TheoryData<string> Models { get; } = [.. Zoo.Select(model => model.Name)];

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } =
        new(Zoo.Select(model => model.Name), Enum.GetValues<SparsityMode>());

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Logits_are_those_of_double_precision(string name, SparsityMode mode)
    {
        DecoderCase declared = Zoo.Single(model => model.Name == name);
        var weights = new DecoderWeights(declared);
        float[] logits = With(declared, weights, Devices[0], model => Prompt(model, mode));
        var reference = new DecoderReference(declared, weights, mode);

        // Single precision keeps 7 digits; a few hundred roundings in a row leave five. Where inputs are rounded to 16 or 8 bits, a difference
        // in the last digits takes one to the next step now and then.
        double digits = declared.AllWeights.Min(type => StoredFormat.For(type).InputSteps) switch { null => 2e-5, < 1000 => 2e-2, _ => 5e-4 };
        int astray = 0;
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double bound = digits * expected.Max(Math.Abs);
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            astray += worst < bound ? 0 : 1;
            if (!MayDecideOtherwise(declared, mode))
            {
                worst.ShouldBeLessThan(bound, $"{name}, {mode}, position {i}");
            }
        }

        astray.ShouldBeLessThanOrEqualTo(Tokens / 10, $"{name}, {mode}");
    }

    /// <summary>
    /// One step of an input of 8 or 16 bits may turn the sign of an element that is all but zero, and with it a predictor's decision: then a
    /// neuron is missing, or an expert is another, and that position is another one's.
    /// </summary>
    private static bool MayDecideOtherwise(DecoderCase declared, SparsityMode mode) =>
        (mode == SparsityMode.Predicted || declared.Experts > 0) && declared.AllWeights.Any(type => StoredFormat.For(type).IsBlock);

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Decoding_has_the_bits_of_the_prompt_on_any_number_of_threads_metered_or_not(string name, SparsityMode mode)
    {
        DecoderCase declared = Zoo.Single(model => model.Name == name);
        var weights = new DecoderWeights(declared);
        float[] expected = With(declared, weights, Devices[0], model => Prompt(model, mode));

        float[] decoded = With(declared, weights, Devices[0], model => Decode(model, mode));
        float[] prompt = With(declared, weights, Devices[1], model => Prompt(model, mode));
        float[] metered = With(declared, weights, Devices[1], model => Decode(model, mode, metering: true));
        ShouldHaveTheBitsOf(expected, decoded, "decode");
        ShouldHaveTheBitsOf(expected, prompt, "prompt, three threads");
        ShouldHaveTheBitsOf(expected, metered, "decode, three threads, metered");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Exact_has_the_bits_of_dense_and_a_batched_prompt_those_of_one_token_at_a_time(string name)
    {
        DecoderCase declared = Zoo.Single(model => model.Name == name);
        var weights = new DecoderWeights(declared);
        float[] dense = With(declared, weights, Devices[1], model => Prompt(model, SparsityMode.Dense));

        ShouldHaveTheBitsOf(dense, With(declared, weights, Devices[1], model => Prompt(model, SparsityMode.Exact)), "exact");
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            float[] batched = With(declared, weights, Devices[1], model => Prompt(model, mode, sparsePrompt: false));
            ShouldHaveTheBitsOf(dense, batched, $"{mode}, batched");
        }
    }

    [Fact]
    public void Meters_sum_up_the_layers_of_a_session()
    {
        DecoderCase declared = DecoderZoo.All.Single(model => model.Name == "Plain");
        IReadOnlyList<LayerMetrics> metrics = With(declared, new DecoderWeights(declared), Devices[1], model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Metering = true });
            for (int i = 0; i < Tokens; i++)
            {
                session.Forward([Token(declared.Vocabulary, i)]);
            }

            return session.ReadMetrics();
        });

        metrics.Count.ShouldBe(declared.Layers);
        metrics.ShouldAllBe(layer => layer.Tokens == Tokens && layer.ActualSparsity > 0.3 && layer.ActualSparsity < 0.7);
        metrics[0].PredictedSparsity.ShouldBeInRange(0.3, 0.7);
        metrics[0].Precision.ShouldBeInRange(0.5, 1);
        metrics[1].PredictedSparsity.ShouldBe(0);
        metrics[2].PredictedSparsity.ShouldBeLessThan(metrics[0].PredictedSparsity);
    }

    private static T With<T>(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, T> run) =>
        DecoderRun.With(weights, path => DecoderZoo.Load(declared, path, device), run);
}
