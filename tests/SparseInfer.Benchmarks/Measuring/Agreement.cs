using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace SparseInfer.Benchmarks;

/// <summary>Checks before measuring that what is compared does the same work.</summary>
internal static class Agreement
{
    /// <summary>Requires two vectors to differ by no more than a share of their length.</summary>
    /// <exception cref="InvalidOperationException">They differ by more.</exception>
    public static void Require(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance, string name)
    {
        float error = TensorPrimitives.Distance(expected, actual) / TensorPrimitives.Norm(expected);
        if (!(error <= tolerance))
        {
            throw new InvalidOperationException(FormattableString.Invariant($"{name} is off by {error:p2}; {tolerance:p2} is allowed."));
        }
    }

    /// <summary>Requires two vectors to be the same bit for bit.</summary>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public static void RequireSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string name)
    {
        int same = MemoryMarshal.Cast<float, int>(expected).CommonPrefixLength(MemoryMarshal.Cast<float, int>(actual));
        if (same < expected.Length)
        {
            throw new InvalidOperationException(
                FormattableString.Invariant($"{name} gives {actual[same]:r} for element {same}, where {expected[same]:r} is expected."));
        }
    }
}
