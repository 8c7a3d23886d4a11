using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Oracle.Tests;

/// <summary>
/// SmallThinker's attention, longer than its window: every fourth layer looks back to the first token and does not rotate, the others over 4096
/// positions, which is the only window that llama.cpp has for it.
/// </summary>
public sealed class WindowTests(Zoo zoo)
{
    private const int Tokens = 4180;
    private const int Compared = 16;

    [Fact]
    public void Tokens_past_the_window_have_llama_cpps_logits()
    {
        var random = new Random(4);
        int[] tokens = [.. Enumerable.Range(0, Tokens).Select(_ => random.Next(TinyModel.Vocabulary))];
        float[] expected = LlamaCpps(tokens);

        double difference = Difference(Ours("window 4096", tokens), expected);
       
        double ofOtherWindow = Difference(Ours("window 4200", tokens), expected);

        TestContext.Current.TestOutputHelper!.WriteLine($"{difference:0.0e+00}; with another window {ofOtherWindow:0.0e+00}");
        difference.ShouldBeLessThan(1e-4);
        ofOtherWindow.ShouldBeGreaterThan(1e-3);
    }

    private float[] LlamaCpps(int[] tokens)
    {
        using LlamaCpp llama = zoo.LlamaCpp("window 4096", context: 4352);
        float[] last = [];
        foreach (int[] batch in tokens[..^Compared].Chunk(256).Append(tokens[^Compared..]))
        {
            last = llama.Forward(batch);
        }

        return last;
    }

    private float[] Ours(string name, int[] tokens)
    {
        using LanguageModel model = zoo.Ours(name);
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        session.Forward(tokens[..^Compared]);
        float[] logits = new float[Compared * TinyModel.Vocabulary];
        session.Forward(tokens[^Compared..], logits);
        return logits;
    }

    private static double Difference(float[] ours, float[] expected) =>
        ours.Zip(expected, (left, right) => Math.Abs(left - right)).Max() / expected.Max(Math.Abs);
}
