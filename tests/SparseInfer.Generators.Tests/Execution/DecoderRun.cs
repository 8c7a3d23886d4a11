using System.Runtime.InteropServices;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>How tests run a decoder: always the same tokens, as a prompt or one by one.</summary>
internal static class DecoderRun
{
    /// <summary>More than a batch of prompt tokens.</summary>
    public const int Tokens = 70;

    /// <summary>Runs something with a model whose file has the weights.</summary>
    public static T With<T>(DecoderWeights weights, Func<string, LanguageModel> load, Func<LanguageModel, T> run)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");
        try
        {
            weights.Save(path);
            using LanguageModel model = load(path);
            return run(model);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>All tokens as a prompt.</summary>
    /// <returns>The logits of each.</returns>
    public static float[] Prompt(LanguageModel model, SparsityMode mode, bool sparsePrompt = true)
    {
        sparsePrompt &= mode != SparsityMode.Dense;
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, SparsePrompt = sparsePrompt });
        float[] logits = new float[Tokens * model.Shape.Vocabulary];
        session.Forward([.. Enumerable.Range(0, Tokens).Select(i => Token(model.Shape.Vocabulary, i))], logits);
        return logits;
    }

    /// <summary>One token after the other.</summary>
    /// <returns>The logits of each.</returns>
    public static float[] Decode(LanguageModel model, SparsityMode mode, bool metering = false)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = metering });
        var logits = new List<float>();
        for (int i = 0; i < Tokens; i++)
        {
            logits.AddRange(session.Forward([Token(model.Shape.Vocabulary, i)]));
        }

        return [.. logits];
    }

    /// <summary>The token at a position.</summary>
    public static int Token(int vocabulary, int i) => ((i * i) + (3 * i) + 1) % vocabulary;

    /// <summary>Requires equal logits, bit for bit.</summary>
    public static void ShouldHaveTheBitsOf(float[] expected, float[] actual, string where)
    {
        ReadOnlySpan<int> a = MemoryMarshal.Cast<float, int>(expected);
        ReadOnlySpan<int> b = MemoryMarshal.Cast<float, int>(actual);
        int same = a.CommonPrefixLength(b);
        if (same != a.Length || same != b.Length)
        {
            Assert.Fail($"{where}: logit {same} of {expected.Length} is {actual[same]} for {expected[same]}");
        }
    }
}
