using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The cut of Gaussian top-k: mean plus some standard deviations of all of a token's gates. Each slice is measured around its own mean, in
/// double precision and four lanes; slices are joined in their order. So the cut is the same for any number of workers.
/// </summary>
public static class GaussianCut
{
    /// <summary>Measures a worker's gates: mean and squared deviations of each of its slices.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="worker">Which worker.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Measure(FeedForwardScratch scratch, int worker)
    {
        ref float gates = ref scratch[worker].Gates;
        (int from, int to) = scratch.Slices.OfWorker(scratch.Workers, worker);
        for (int slice = from; slice < to; slice++)
        {
            int neurons = scratch.Slices.First(slice + 1) - scratch.Slices.First(slice);
            double mean = neurons == 0 ? 0 : Sum(ref gates, neurons) / neurons;
            scratch.Moments(slice) = new SliceMoments(mean, SumSquaredDeviations(ref gates, neurons, mean));
            gates = ref Unsafe.Add(ref gates, neurons);
        }
    }

    /// <summary>The cut. Every worker has been through <see cref="Measure"/>.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="deviations">Standard deviations from the mean to the cut.</param>
    /// <remarks>Deviations within the slices, and of the slices' means: Chan, Golub and LeVeque, The American Statistician 37 (1983).</remarks>
    public static float Of(FeedForwardScratch scratch, float deviations)
    {
        NeuronSlices slices = scratch.Slices;
        double sum = 0;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            sum += scratch.Moments(slice).Mean * (slices.First(slice + 1) - slices.First(slice));
        }

        double mean = sum / slices.Neurons;
        double squares = 0;
        for (int slice = 0; slice < slices.Count; slice++)
        {
            double apart = scratch.Moments(slice).Mean - mean;
            squares += scratch.Moments(slice).SquaredDeviations + (apart * apart * (slices.First(slice + 1) - slices.First(slice)));
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
