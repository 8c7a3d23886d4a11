using System.Runtime.InteropServices;

namespace SparseInfer.Models.Tests;

/// <summary>Logits of whole sequences, by the ways there are to compute them, and how they compare.</summary>
internal static class Logits
{
    /// <summary>All vocabularies here have this size.</summary>
    public const int Vocabulary = 512;

    /// <summary>One call for all tokens: a prompt.</summary>
    public static float[] Batched(Session session, ReadOnlySpan<int> tokens)
    {
        float[] logits = new float[tokens.Length * Vocabulary];
        session.Forward(tokens, logits);
        return logits;
    }

    /// <summary>One call a token: decoding.</summary>
    public static float[] OneByOne(Session session, ReadOnlySpan<int> tokens)
    {
        float[] logits = new float[tokens.Length * Vocabulary];
        for (int i = 0; i < tokens.Length; i++)
        {
            session.Forward(tokens.Slice(i, 1)).CopyTo(logits.AsSpan(i * Vocabulary, Vocabulary));
        }

        return logits;
    }

    public static float MaxDifference(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        actual.Length.ShouldBe(expected.Length);
        float largest = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            float difference = Math.Abs(actual[i] - expected[i]);
            largest = float.IsNaN(difference) ? float.PositiveInfinity : Math.Max(largest, difference);
        }

        return largest;
    }

    public static void ShouldBeBitIdentical(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, string what)
    {
        actual.Length.ShouldBe(expected.Length, what);
        ReadOnlySpan<int> actualBits = MemoryMarshal.Cast<float, int>(actual);
        ReadOnlySpan<int> expectedBits = MemoryMarshal.Cast<float, int>(expected);
        int same = actualBits.CommonPrefixLength(expectedBits);
        if (same < actual.Length)
        {
            throw new ShouldAssertException(
                $"{what}: logit {same % Vocabulary} of token {same / Vocabulary} is {actual[same]:R}, "
                + $"but should be {expected[same]:R}, bit for bit.");
        }
    }
}
