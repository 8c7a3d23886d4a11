extern alias vocabulary;

using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;
using Shown = vocabulary::SparseInfer.ObservedActivation;
using Vector = (int Layer, vocabulary::SparseInfer.ObservedActivation What, int Position);

namespace SparseInfer.Generators.Tests.Traits;

/// <summary><c>[Observed]</c>: what is shown is what is computed, in its order, and nothing else changes.</summary>
public sealed class ObservedTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly DecoderCase Plain = new("Seen") { Intermediate = 333, Alphas = [1m, null, 1.1m], Weights = [WeightType.F16], Traits = ["[Observed]"] };

    private static readonly DecoderCase Wide = TraitZoo.SubNorms[1] with { Name = "SeenWide", Alphas = [1m, null, 1.1m], Traits = ["[SubNorms]", "[Observed]"] };

    private static readonly DecoderCase Parallel = TraitZoo.Parallel[0] with { Name = "SeenParallel", Traits = ["[ParallelAttention]", "[Observed]"] };

    private static readonly DecoderCase Experts = DecoderZoo.OfExperts[0] with { Name = "SeenExperts", Traits = ["[Observed]"] };

    private static readonly DecoderCase Hidden = Plain with { Name = "Hidden", Traits = [] };

    private static readonly DecoderCase[] All = [Plain, Wide, Parallel, Experts, Hidden];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. All.Select(model => model.Source)]));

    public static MatrixTheoryData<string, SparsityMode> ModelsAndModes { get; } =
        new(new[] { "Seen", "SeenWide" }, new[] { SparsityMode.Dense, SparsityMode.Predicted });

    [Theory]
    [MemberData(nameof(ModelsAndModes))]
    public void Values_are_those_of_double_precision(string name, SparsityMode mode)
    {
        DecoderCase declared = All.Single(model => model.Name == name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        var reference = new Reference(declared, weights, mode);
        for (int i = 0; i < Tokens; i++)
        {
            reference.Next(Token(declared.Vocabulary, i));
        }

        (Record seen, _) = Observe(declared, weights, Devices[0], mode, prompt: true);
        seen.Order.ShouldBe(reference.Order);
        foreach (Vector key in seen.Order)
        {
            double[] expected = reference.Values[key];
            float[] values = seen.Values[key];
            values.Length.ShouldBe(expected.Length, $"{key}");
            double largest = expected.Max(Math.Abs);
            values.Select((value, i) => Math.Abs(value - expected[i])).Max().ShouldBeLessThanOrEqualTo(1e-4 * largest, $"{key}");
        }
    }

    /// <summary>Of a prompt, one by one, on any number of threads; and nobody computes anything else because of it.</summary>
    [Theory]
    [InlineData("Seen", SparsityMode.Dense)]
    [InlineData("Seen", SparsityMode.Predicted)]
    [InlineData("SeenParallel", SparsityMode.Predicted)]
    [InlineData("SeenExperts", SparsityMode.Predicted)]
    public void Values_and_logits_have_the_same_bits_however_a_token_is_computed(string name, SparsityMode mode)
    {
        DecoderCase declared = All.Single(model => model.Name == name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] unobserved = With(declared, weights, Devices[1], model => Prompt(model, mode));
        (Record expected, float[] logits) = Observe(declared, weights, Devices[0], mode, prompt: false);
        ShouldHaveTheBitsOf(unobserved, logits, "decoded");
        foreach (CpuDevice device in Devices)
        {
            (Record seen, float[] ofPrompt) = Observe(declared, weights, device, mode, prompt: true);
            ShouldHaveTheBitsOf(unobserved, ofPrompt, $"prompt, {device.Name}");
            seen.Order.ShouldBe(expected.Order);
            foreach (Vector key in seen.Order)
            {
                ShouldHaveTheBitsOf(expected.Values[key], seen.Values[key], $"{key}, {device.Name}");
            }
        }
    }

    /// <summary>A prompt that is computed dense is shown dense.</summary>
    [Fact]
    public void A_dense_prompt_shows_all_neurons_and_counts_nothing() => With(Plain, new DecoderWeights(Plain), Devices[1], model =>
    {
        int[] tokens = [.. Enumerable.Range(0, 5).Select(i => Token(Plain.Vocabulary, i))];
        var dense = new Record();
        var predicted = new Record();
        model.CreateSession(new SessionOptions { Mode = UserMode.Dense, Observer = dense }).Forward(tokens);
        using Session session = model.CreateSession(new SessionOptions { Observer = predicted, Metering = true });
        session.Forward(tokens);
        predicted.Order.ShouldBe(dense.Order);
        predicted.Order.ShouldAllBe(key => predicted.Values[key].SequenceEqual(dense.Values[key]));
        session.ReadMetrics()[0].Tokens.ShouldBe(0);
        return Array.Empty<float>();
    });

    [Fact]
    public void Chosen_experts_come_with_their_neurons()
    {
        (Record seen, _) = Observe(Experts, TraitZoo.Weights(Experts), Devices[1], SparsityMode.Dense, prompt: false);
        float[][] chosen = [.. seen.Order.Where(key => key.What == Shown.Experts).Select(key => seen.Values[key])];
        chosen.ShouldAllBe(experts => experts.Length == Experts.ActiveExperts && experts.SequenceEqual(experts.Order()) && experts.All(expert => expert < Experts.Experts));
        seen.Order.Where(key => key.What == Shown.ExpertWeights).ShouldAllBe(key => seen.Values[key].Length == Experts.ActiveExperts && Math.Abs(seen.Values[key].Sum() - 1) < 1e-6f);
        seen.Order.Where(key => key.What == Shown.Neurons).ShouldAllBe(key => seen.Values[key].Length == Experts.ActiveExperts * Experts.Intermediate);
    }

    [Fact]
    public void A_session_of_a_batch_is_observed_as_alone() => With(Plain, new DecoderWeights(Plain), Devices[1], model =>
    {
        var alone = new Record();
        var together = new Record();
        using Session first = model.CreateSession(new SessionOptions { Observer = alone });
        using Session second = model.CreateSession(new SessionOptions { Observer = together });
        using Session third = model.CreateSession();
        using Session fourth = model.CreateSession();
        using SessionBatch batch = model.CreateBatch(3);
        for (int i = 0; i < 4; i++)
        {
            int token = Token(Plain.Vocabulary, i);
            float[] logits = first.Forward([token]).ToArray();
            batch.Forward([third, second, fourth], [token, token, token]);
            ShouldHaveTheBitsOf(logits, batch.Logits(1).ToArray(), "observed");
            ShouldHaveTheBitsOf(logits, batch.Logits(2).ToArray(), "beside it");
        }

        together.Order.ShouldBe(alone.Order);
        return Array.Empty<float>();
    });

    [Fact]
    public void What_an_observer_throws_ends_the_call_and_leaves_the_sequence() => With(Plain, new DecoderWeights(Plain), Devices[1], model =>
    {
        using Session session = model.CreateSession(new SessionOptions { Observer = new Failing() });
        Should.Throw<TimeoutException>(() => session.Forward([1]).Length);
        session.Position.ShouldBe(0);
        return Array.Empty<float>();
    });

    [Fact]
    public void A_model_that_is_not_declared_so_says_what_to_write() => With(Hidden, new DecoderWeights(Hidden), Devices[0], model =>
    {
        Should.Throw<NotSupportedException>(() => model.CreateSession(new SessionOptions { Observer = new Record() }))
            .Message.ShouldBe("SessionOptions.Observer: Hidden shows nothing. Declare its class with [Observed].");
        return Array.Empty<float>();
    });

    /// <summary>GPUs show nothing, so that their program is that of a class without the attribute.</summary>
    [Fact]
    public void Programs_for_gpus_do_not_know_of_it()
    {
        Generated(Plain, "Seen.Ilgpu.g.cs").ShouldBe(Generated(Plain with { Traits = [] }, "Seen.Ilgpu.g.cs"));

        static string Generated(DecoderCase declared, string file) => string.Join('\n', GeneratedProject.Generate(GeneratedProject.Compilation(declared.Source).WithIlgpu())
            .Single(source => source.HintName == file).SourceText.ToString().Split('\n').Where(line => !line.StartsWith("//   traits", StringComparison.Ordinal)));
    }

    private static (Record Seen, float[] Logits) Observe(DecoderCase declared, DecoderWeights weights, CpuDevice device, SparsityMode mode, bool prompt)
    {
        var seen = new Record();
        float[] logits = With(declared, weights, device, model =>
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, SparsePrompt = true, Observer = seen });
            int[] tokens = [.. Enumerable.Range(0, Tokens).Select(i => Token(declared.Vocabulary, i))];
            if (!prompt)
            {
                return [.. tokens.SelectMany(token => session.Forward([token]).ToArray())];
            }

            float[] all = new float[Tokens * declared.Vocabulary];
            session.Forward(tokens, all);
            return all;
        });
        return (seen, logits);
    }

    private static float[] With(DecoderCase declared, DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), run);

    private sealed class Record : IActivationObserver
    {
        public List<Vector> Order { get; } = [];

        public Dictionary<Vector, float[]> Values { get; } = [];

        public void Observe(int layer, Shown activation, int position, ReadOnlySpan<float> values)
        {
            Order.Add((layer, activation, position));
            Values.Add((layer, activation, position), values.ToArray());
        }
    }

    private sealed class Failing : IActivationObserver
    {
        public void Observe(int layer, Shown activation, int position, ReadOnlySpan<float> values)
        {
            if (layer == 1)
            {
                throw new TimeoutException();
            }
        }
    }

    private sealed class Reference(DecoderCase model, DecoderWeights weights, SparsityMode mode) : DecoderReference(model, weights, mode)
    {
        private readonly bool _hasSubNorms = model.Traits.Contains("[SubNorms]");
        private readonly int _layers = model.Layers;
        private int _layer;
        private int _position;

        public List<Vector> Order { get; } = [];

        public Dictionary<Vector, double[]> Values { get; } = [];

        protected override double[] Layer(int layer, string block, double[] x)
        {
            _layer = layer;
            double[] residual = Add(x, Attention(layer, block, Seen(Shown.AttentionInput, Norm(x, block + "attn_norm"))));
            Seen(Shown.Residual, residual);
            double[] output = FeedForward(layer, block, x, residual, Seen(Shown.FeedForwardInput, Norm(residual, block + "ffn_norm")));
            x = Add(residual, Seen(Shown.FeedForwardOutput, output));
            if (layer == _layers - 1)
            {
                _layer++;
                Seen(Shown.Final, Norm(x, "output_norm"));
                _position++;
            }

            return x;
        }

        protected override double[] Attended(string block, double[] x) =>
            Seen(Shown.Attended, _hasSubNorms ? Norm(x, block + "attn_sub_norm") : x);

        protected override double[] Activated(string block, double[] h) =>
            Seen(Shown.Neurons, _hasSubNorms ? Norm(h, block + "ffn_sub_norm") : h);

        private double[] Seen(Shown what, double[] values)
        {
            Order.Add((_layer, what, _position));
            Values.Add((_layer, what, _position), values);
            return values;
        }
    }
}
