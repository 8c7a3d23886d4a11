using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The cut of Gaussian top-k: mean plus some standard deviations of all of a token's gates. Each slice is measured around its own mean, in
/// double precision and four lanes; slices are joined in their order. So the cut is the same for any number of workers, and for a token alone or in a batch.
/// </summary>
public static class GaussianCut
{
    /// <summary>Measures a worker's gates of a token: mean and squared deviations of each of its slices.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="worker">Which worker.</param>
    /// <param name="tokens">Of how many tokens, at most <see cref="FeedForwardScratch.Tokens"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Measure(FeedForwardScratch scratch, int worker, int tokens = 1)
    {
        NeuronSlices slices = scratch.Slices;
        (int from, int to) = slices.OfWorker(scratch.Workers, worker);
        for (int token = 0; token < tokens; token++)
        {
            ref float gates = ref scratch[worker, token].Gates;
            Span<SliceMoments> moments = scratch.Moments(token);
            for (int slice = from; slice < to; slice++)
            {
                int neurons = slices.First(slice + 1) - slices.First(slice);
                moments[slice] = Measure(ref gates, neurons);
                gates = ref Unsafe.Add(ref gates, neurons);
            }
        }
    }

    /// <summary>The cut. Every worker has been through <see cref="Measure(FeedForwardScratch, int, int)"/>.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="deviations">Standard deviations from the mean to the cut.</param>
    /// <param name="token">Of which of the tokens.</param>
    public static float Of(FeedForwardScratch scratch, float deviations, int token = 0) => Of(scratch.Moments(token), scratch.Slices, deviations);

    /// <summary>The cuts of some tokens of a batch: the bits of <see cref="Of(FeedForwardScratch, float, int)"/>, token by token.</summary>
    /// <param name="h">Token 0's first gate.</param>
    /// <param name="stride">Elements between two tokens.</param>
    /// <param name="fromToken">The first token.</param>
    /// <param name="toToken">The end.</param>
    /// <param name="slices">How neurons are divided.</param>
    /// <param name="deviations">Standard deviations from the mean to the cut.</param>
    /// <param name="cuts">Token 0's.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfBatch(ref float h, int stride, int fromToken, int toToken, NeuronSlices slices, float deviations, ref float cuts)
    {
        Span<SliceMoments> moments = stackalloc SliceMoments[slices.Count];
        for (int token = fromToken; token < toToken; token++)
        {
            ref float gates = ref Unsafe.Add(ref h, token * (nint)stride);
            for (int slice = 0; slice < slices.Count; slice++)
            {
                moments[slice] = Measure(ref Unsafe.Add(ref gates, slices.First(slice)), slices.First(slice + 1) - slices.First(slice));
            }

            Unsafe.Add(ref cuts, token) = Of(moments, slices, deviations);
        }
    }

    private static SliceMoments Measure(ref float gates, int neurons)
    {
        double mean = neurons == 0 ? 0 : Sum(ref gates, neurons) / neurons;
        return new SliceMoments(mean, SumSquaredDeviations(ref gates, neurons, mean));
    }

    // Deviations within the slices, and of the slices' means: Chan, Golub and LeVeque, The American Statistician 37 (1983).
    private static float Of(ReadOnlySpan<SliceMoments> moments, NeuronSlices slices, float deviations)
    {
        double sum = 0;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            sum += moments[slice].Mean * (slices.First(slice + 1) - slices.First(slice));
        }

        double mean = sum / slices.Neurons;
        double squares = 0;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            double apart = moments[slice].Mean - mean;
            squares += moments[slice].SquaredDeviations + (apart * apart * (slices.First(slice + 1) - slices.First(slice)));
        }

        // Gates that left F32's range have no cut. Below every one of them, it lets infinities through, in every mode, for the caller to see; NaN would make
        // all neurons zero.
        float cut = (float)(mean + (deviations * Math.Sqrt(squares / slices.Neurons)));
        return float.IsFinite(cut) ? cut : float.NegativeInfinity;
    }

    private static double Sum(ref float gates, int neurons)
    {
        Vector128<double> lower = default;
        Vector128<double> upper = default;
        int n = 0;
        for (; n <= neurons - 4; n += 4)
        {
            (Vector128<double> first, Vector128<double> second) = Vector128.Widen(Vector128.LoadUnsafe(ref gates, (nuint)n));
            lower += first;
            upper += second;
        }

        double sum = Vector128.Sum(lower + upper);
        for (; n < neurons; n++)
        {
            sum += Unsafe.Add(ref gates, n);
        }

        return sum;
    }

    private static double SumSquaredDeviations(ref float gates, int neurons, double mean)
    {
        Vector128<double> lower = default;
        Vector128<double> upper = default;
        int n = 0;
        for (; n <= neurons - 4; n += 4)
        {
            (Vector128<double> first, Vector128<double> second) = Vector128.Widen(Vector128.LoadUnsafe(ref gates, (nuint)n));
            first -= Vector128.Create(mean);
            second -= Vector128.Create(mean);
            lower += first * first;
            upper += second * second;
        }

        double sum = Vector128.Sum(lower + upper);
        for (; n < neurons; n++)
        {
            double deviation = Unsafe.Add(ref gates, n) - mean;
            sum += deviation * deviation;
        }

        return sum;
    }
}
