using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What a sequence's prompts say of a layer's neurons (GRIFFIN, arXiv 2404.01365): neuron j's share of token t is <c>(h[t,j] / |h[t,:]|)^2</c>, where h is what
/// neurons are multiplied with in down, and shares of tokens are added. The paper's statistic is the root of the sum, which orders neurons alike. In double
/// precision, one token after the other, with one order of sums: the bits are the same for any number of workers, batches and widths of vectors.
/// </summary>
public static class PromptShares
{
    /// <summary>Sums that run beside each other: neuron i is added to sum i % 8.</summary>
    private const int Lanes = 8;

    /// <summary>The sum of the squares of each of some tokens' neurons.</summary>
    /// <param name="h">Token 0's first neuron.</param>
    /// <param name="stride">Elements between two tokens.</param>
    /// <param name="neurons">How many neurons there are.</param>
    /// <param name="fromToken">The first token.</param>
    /// <param name="toToken">The end.</param>
    /// <param name="squares">Where token 0's sum goes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Squares(ref readonly float h, int stride, int neurons, int fromToken, int toToken, ref double squares)
    {
        Span<double> lanes = stackalloc double[Lanes];
        for (int token = fromToken; token < toToken; token++)
        {
            ref float row = ref Unsafe.Add(ref Unsafe.AsRef(in h), token * (nint)stride);
            Vector256<double> low = Vector256<double>.Zero;
            Vector256<double> high = Vector256<double>.Zero;
            int i = 0;
            for (; i <= neurons - Lanes; i += Lanes)
            {
                (Vector256<double> a, Vector256<double> b) = Vector256.Widen(Vector256.LoadUnsafe(ref row, (nuint)i));
                low += a * a;
                high += b * b;
            }

            low.CopyTo(lanes);
            high.CopyTo(lanes[4..]);
            for (int lane = 0; i < neurons; i++, lane++)
            {
                double value = Unsafe.Add(ref row, i);
                lanes[lane] += value * value;
            }

            Unsafe.Add(ref squares, token) = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
        }
    }

    /// <summary>Adds some tokens' shares of some neurons. Tokens without an active neuron, or with one that is no finite number, have none.</summary>
    /// <param name="h">Token 0's first neuron.</param>
    /// <param name="stride">Elements between two tokens.</param>
    /// <param name="fromToken">The first token that counts.</param>
    /// <param name="toToken">The end.</param>
    /// <param name="squares">Token 0's sum of squares.</param>
    /// <param name="shares">Neuron 0's sum, which is added to.</param>
    /// <param name="from">The first neuron.</param>
    /// <param name="to">The end.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(
        ref readonly float h, int stride, int fromToken, int toToken, ref readonly double squares, ref double shares, int from, int to)
    {
        for (int token = fromToken; token < toToken; token++)
        {
            double sum = Unsafe.Add(ref Unsafe.AsRef(in squares), token);
            if (!(sum > 0 && double.IsFinite(sum)))
            {
                continue;
            }

            ref float row = ref Unsafe.Add(ref Unsafe.AsRef(in h), token * (nint)stride);
            double factor = 1 / sum;
            Vector256<double> factors = Vector256.Create(factor);
            int i = from;
            for (; i <= to - Lanes; i += Lanes)
            {
                (Vector256<double> a, Vector256<double> b) = Vector256.Widen(Vector256.LoadUnsafe(ref row, (nuint)i));
                (Vector256.LoadUnsafe(ref shares, (nuint)i) + (a * a * factors)).StoreUnsafe(ref shares, (nuint)i);
                (Vector256.LoadUnsafe(ref shares, (nuint)i + 4) + (b * b * factors)).StoreUnsafe(ref shares, (nuint)i + 4);
            }

            for (; i < to; i++)
            {
                double value = Unsafe.Add(ref row, i);
                Unsafe.Add(ref shares, i) += value * value * factor;
            }
        }
    }
}
