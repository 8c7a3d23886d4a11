using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Oracle.Tests;

/// <summary>Each architecture, declared from a file alone, computes what llama.cpp computes from the file.</summary>
public sealed class LogitsTests(Zoo zoo)
{
    private const int Vocabulary = TinyModel.Vocabulary;

    private static readonly int[] Tokens = [3, 17, 3, 39, 0, 21, 8, 30, 12, 5, 11, 26, 1, 19, 33, 7];

    public static TheoryData<string> Names => [.. Zoo.Names];

    public static TheoryData<string> SinglePrecision => [.. Zoo.Names.Where(name => name.EndsWith("F32", StringComparison.Ordinal))];

    /// <summary>The wider bounds are for llama.cpp's rounding to half precision, which the next test separates from everything else.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_those_of_llama_cpp(string name)
    {
        using LlamaCpp llama = zoo.LlamaCpp(name);
        using LanguageModel ours = zoo.Ours(name);
        double difference = Difference(Logits(ours, SparsityMode.Dense, Tokens), llama.Forward(Tokens));
        TestContext.Current.TestOutputHelper!.WriteLine($"{name}: {difference:0.0e+00}");
        difference.ShouldBeLessThan(zoo.Tiny(name) switch
        {
            { Matrices: WeightType.F16 } => 5e-3,
            { Activation: Activation.Gelu } => 1e-3,
            _ => 1e-4,
        });
    }

    /// <summary>
    /// Ours are those of the exact definition, llama.cpp's those of the definition with its own rounding to half precision. The rest is single
    /// precision, which now and then rounds a number to the other neighbour in half precision.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void What_differs_is_llama_cpps_rounding_of_activations(string name)
    {
        using LlamaCpp llama = zoo.LlamaCpp(name);
        using LanguageModel ours = zoo.Ours(name);
        TinyModel tiny = zoo.Tiny(name);
        double left = Difference(Expected(new LlamaCppReference(tiny)), llama.Forward(Tokens));
        double own = Difference(Expected(new TinyReference(tiny, tiny.HalfSplit)), Logits(ours, SparsityMode.Dense, Tokens));
        TestContext.Current.TestOutputHelper!.WriteLine($"{name}: llama.cpp {left:0.0e+00} from the rounded reference, ours {own:0.0e+00} from the exact one");
        own.ShouldBeLessThan(1e-5);
        left.ShouldBeLessThan(tiny switch
        {
            { Matrices: WeightType.F16, Experts: > 0, Depth: > TinyModel.Layers } => 2e-3,
            { Matrices: WeightType.F16 } => 1e-3,
            _ => 1e-4,
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Greedy_continuation_is_llama_cpps(string name)
    {
        using LlamaCpp llama = zoo.LlamaCpp(name);
        using LanguageModel ours = zoo.Ours(name);
        using Session session = ours.CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
        int[] prompt = Tokens[..6];
        Greedy(tokens => session.Forward(tokens).ToArray(), prompt).ShouldBe(Greedy(tokens => llama.Forward(tokens)[^Vocabulary..], prompt));
    }

    [Theory]
    [MemberData(nameof(SinglePrecision))]
    public void Exact_is_dense_for_any_number_of_threads_and_any_batch(string name)
    {
        using LanguageModel one = zoo.Ours(name);
        float[] dense = Logits(one, SparsityMode.Dense, Tokens);
        foreach (int threads in (int[])[1, 2, 3])
        {
            using LanguageModel model = zoo.Ours(name, threads);
            foreach (SparsityMode mode in (SparsityMode[])[SparsityMode.Dense, SparsityMode.Exact])
            {
                Logits(model, mode, Tokens).ShouldBe(dense, $"{mode}, {threads} threads");
                using Session session = model.CreateSession(new SessionOptions { Mode = mode });
                float[] single = [.. Tokens.SelectMany(token => session.Forward([token]).ToArray())];
                single.ShouldBe(dense, $"{mode}, {threads} threads, token by token");
            }
        }
    }

    private static float[] Logits(LanguageModel model, SparsityMode mode, int[] tokens)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode });
        float[] logits = new float[tokens.Length * Vocabulary];
        session.Forward(tokens, logits);
        return logits;
    }

    private static double[] Expected(TinyReference reference) => [.. Tokens.SelectMany(reference.Next)];

    /// <summary>The largest difference at a position, as a share of its largest logit; the worst position's.</summary>
    private static double Difference(IReadOnlyList<float> ours, IReadOnlyList<float> expected) => Difference([.. ours.Select(value => (double)value)], expected);

    private static double Difference(double[] expected, IReadOnlyList<float> logits)
    {
        logits.Count.ShouldBe(expected.Length);
        double worst = 0;
        for (int from = 0; from < expected.Length; from += Vocabulary)
        {
            double difference = Enumerable.Range(from, Vocabulary).Max(i => Math.Abs(expected[i] - logits[i]));
            worst = Math.Max(worst, difference / Enumerable.Range(from, Vocabulary).Max(i => Math.Abs(expected[i])));
        }

        return worst;
    }

    private static List<int> Greedy(Func<int[], float[]> forward, int[] prompt)
    {
        var chosen = new List<int>();
        float[] logits = forward(prompt);
        while (chosen.Count < 12)
        {
            chosen.Add(Array.IndexOf(logits, logits.Max()));
            logits = forward([chosen[^1]]);
        }

        return chosen;
    }
}
