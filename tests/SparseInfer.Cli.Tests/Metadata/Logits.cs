using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Tests.Metadata;

internal static class Logits
{
    private static readonly int[] Tokens = [3, 17, 3, 39, 0, 21, 8, 30, 12, 5];

    /// <summary>Compares the logits of ten tokens, bit for bit.</summary>
    public static void ShouldBeBitIdentical(LanguageModel model, LanguageModel expected) =>
        MemoryMarshal.Cast<float, int>(Of(model)).ToArray().ShouldBe(MemoryMarshal.Cast<float, int>(Of(expected)).ToArray());

    /// <summary>Compares the logits of ten tokens: single precision keeps 7 digits, two layers leave five.</summary>
    public static void ShouldBeThoseOf(TinyReference reference, LanguageModel model)
    {
        float[] logits = Of(model);
        for (int i = 0; i < Tokens.Length; i++)
        {
            double[] expected = reference.Next(Tokens[i]);
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * TinyModel.Vocabulary) + j] - value)).Max();
            worst.ShouldBeLessThan(1e-5 * expected.Max(Math.Abs), $"position {i}");
        }
    }

    /// <summary>The logits of ten tokens.</summary>
    public static float[] Of(LanguageModel model)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        float[] logits = new float[Tokens.Length * TinyModel.Vocabulary];
        session.Forward(Tokens, logits);
        return logits;
    }
}
