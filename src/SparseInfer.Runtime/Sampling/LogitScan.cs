using System.Numerics;

namespace SparseInfer.Sampling;

/// <summary>Passes over a whole vocabulary's logits, vectorized.</summary>
internal static class LogitScan
{
    /// <summary>The greatest logit.</summary>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or all are negative infinity.</exception>
    public static float Maximum(ReadOnlySpan<float> logits)
    {
        float maximum = float.NegativeInfinity;
        bool valid = true;
        int i = 0;
        if (logits.Length >= Vector<float>.Count)
        {
            Vector<float> maxima = new(maximum);
            Vector<int> validLanes = Vector<int>.AllBitsSet;
            Vector<float> greatest = new(float.MaxValue);
            for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                // A comparison with NaN is false, so this finds NaN as well as infinity.
                Vector<float> block = new(logits[i..]);
                validLanes &= Vector.LessThanOrEqual(block, greatest);
                maxima = Vector.Max(maxima, block);
            }

            valid = Vector.EqualsAll(validLanes, Vector<int>.AllBitsSet);
            for (int lane = 0; lane < Vector<float>.Count; lane++)
            {
                maximum = Math.Max(maximum, maxima[lane]);
            }
        }

        for (; i < logits.Length; i++)
        {
            valid &= logits[i] <= float.MaxValue;
            maximum = Math.Max(maximum, logits[i]);
        }

        if (!valid)
        {
            ThrowInvalid(logits);
        }

        if (maximum == float.NegativeInfinity)
        {
            throw new InvalidOperationException("No token can be chosen: every logit is negative infinity.");
        }

        return maximum;
    }

    /// <summary>The lowest index with that logit, which must be there.</summary>
    public static int IndexOf(ReadOnlySpan<float> logits, float logit)
    {
        int i = 0;
        Vector<float> wanted = new(logit);
        while (i <= logits.Length - Vector<float>.Count && !Vector.EqualsAny(new Vector<float>(logits[i..]), wanted))
        {
            i += Vector<float>.Count;
        }

        while (logits[i] != logit)
        {
            i++;
        }

        return i;
    }

    /// <summary>The first index from <paramref name="start"/> on with a logit above <paramref name="threshold"/>, or the length.</summary>
    public static int IndexOfAbove(ReadOnlySpan<float> logits, int start, float threshold)
    {
        int i = start;
        Vector<float> thresholds = new(threshold);
        while (i <= logits.Length - Vector<float>.Count && !Vector.GreaterThanAny(new Vector<float>(logits[i..]), thresholds))
        {
            i += Vector<float>.Count;
        }

        while (i < logits.Length && !(logits[i] > threshold))
        {
            i++;
        }

        return i;
    }

    private static void ThrowInvalid(ReadOnlySpan<float> logits)
    {
        int token = 0;
        while (logits[token] <= float.MaxValue)
        {
            token++;
        }

        string value = float.IsNaN(logits[token]) ? "NaN" : "infinite";
        throw new InvalidOperationException(
            $"The logit of token {token} is {value}, so the model's output is no distribution: its weights are damaged, or it overflows.");
    }
}
