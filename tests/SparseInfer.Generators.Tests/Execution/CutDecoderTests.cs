extern alias vocabulary;

using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;
using Shown = vocabulary::SparseInfer.ObservedActivation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>What decoders that cut relative to all neurons have beside what all decoders are tested for: their meters, and what they are declared with.</summary>
public sealed class CutDecoderTests
{
    private static readonly DecoderCase Seen = new("SeenCut") { Activation = Activation.GaussianTopK, Intermediate = 320, Traits = ["[Observed]"] };

    /// <summary>All that may stand beside a cut, in one.</summary>
    private static readonly DecoderCase Family = TraitZoo.Together with
    {
        Name = "CutFamily",
        Activation = Activation.GaussianTopK,
        Alphas = [],
        DeclaredHeadDimension = 24,
        Intermediate = 352,
        Traits =
        [
            .. TraitZoo.Together.Traits, "[ExactSparsity(Layers = \"0, 2\")]", "[Dense(Layers = \"1\")]",
            "[InputThreshold(Heads = 0.1f, Down = 0.01f, Layers = \"1..\")]", "[HeadSparsity(Keep = 0.5f, Layers = \"0\")]",
        ],
        Weights = [WeightType.Q8_0],
    };

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([Seen.Source, Family.Source]));

    public static TheoryData<SparsityMode> Modes { get; } = [.. Enum.GetValues<SparsityMode>()];

    /// <summary>Of each layer's inputs, as a session shows them: gates in double precision, and how many lie above the cut.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void Meters_count_what_lies_above_the_cut(SparsityMode mode)
    {
        var weights = new DecoderWeights(Seen);
        var record = new Record();
        IReadOnlyList<LayerMetrics> metrics = With(Seen, weights, 3, model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = true, Observer = record });
            for (int i = 0; i < Tokens; i++)
            {
                session.Forward([Token(Seen.Vocabulary, i)]);
            }

            return session.ReadMetrics();
        });

        long rowBytes = Seen.Hidden * sizeof(float);
        for (int layer = 0; layer < Seen.Layers; layer++)
        {
            StoredMatrix gate = weights.Matrix($"blk.{layer}.ffn_gate.weight");
            long kept = record.Inputs[layer].Sum(x => Kept([.. Enumerable.Range(0, Seen.Intermediate).Select(i => Dot(gate.Row(i), x))]));
            long neurons = Tokens * Seen.Intermediate;
            metrics[layer].ActualSparsity.ShouldBe((neurons - kept) / (double)neurons);
            metrics[layer].BytesPerToken.ShouldBe(((mode == SparsityMode.Dense ? 3 * neurons : neurons + (2 * kept)) * rowBytes) / (double)Tokens);
            metrics[layer].ActualSparsity.ShouldBeInRange(0.7, 0.9);
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Beside_norms_windows_heads_and_channels_a_prompt_has_the_bits_of_its_tokens_and_sequences_those_of_each_alone(SparsityMode mode)
    {
        DecoderWeights weights = TraitZoo.Weights(Family);
        float[] expected = With(Family, weights, 1, model => Decode(model, mode));
        ShouldHaveTheBitsOf(expected, With(Family, weights, 3, model => Decode(model, mode, metering: true)), "decode, three threads, metered");
        ShouldHaveTheBitsOf(expected, With(Family, weights, 3, model => Prompt(model, mode)), "prompt, three threads");
        float[] dense = With(Family, weights, 1, model => Decode(model, SparsityMode.Dense));
        ShouldHaveTheBitsOf(dense, With(Family, weights, 2, model => Prompt(model, mode, sparsePrompt: false)), "dense prompt");
        if (mode == SparsityMode.Exact)
        {
            ShouldHaveTheBitsOf(dense, expected, "exact");
        }

        float[] alone = With(Family, weights, 1, model => Sequences(model, mode, together: false));
        ShouldHaveTheBitsOf(alone, With(Family, weights, 2, model => Sequences(model, mode, together: true)), "together");
    }

    private static long Kept(double[] gates)
    {
        double mean = gates.Average();
        double cut = mean + (0.8416212335729143 * Math.Sqrt(gates.Average(gate => (gate - mean) * (gate - mean))));
        return gates.Count(gate => gate > cut);
    }

    private static double Dot(ReadOnlySpan<float> row, float[] x)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += (double)row[i] * x[i];
        }

        return sum;
    }

    private static T With<T>(DecoderCase declared, DecoderWeights weights, int threads, Func<LanguageModel, T> run)
    {
        using var device = Device.Cpu(threads);
        return DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);
    }

    private sealed class Record : IActivationObserver
    {
        public List<float[]>[] Inputs { get; } = [.. Enumerable.Range(0, Seen.Layers).Select(_ => new List<float[]>())];

        public void Observe(int layer, Shown activation, int position, ReadOnlySpan<float> values)
        {
            if (activation == Shown.FeedForwardInput)
            {
                Inputs[layer].Add(values.ToArray());
            }
        }
    }
}
