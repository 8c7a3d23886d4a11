using System.Diagnostics;

namespace SparseInfer.Benchmarks;

/// <summary>A variant's times beside those of its group's first.</summary>
/// <param name="Variant">The variant.</param>
/// <param name="Nanoseconds">Median time of a step.</param>
/// <param name="Ratio">Median, over the repetitions, of its time over the first's in the same repetition.</param>
/// <param name="LowRatio">First quartile of these.</param>
/// <param name="HighRatio">Third quartile.</param>
internal sealed record AlternationResult(Variant Variant, double Nanoseconds, double Ratio, double LowRatio, double HighRatio);

/// <summary>
/// Runs variants in turns, because a machine's speed drifts by more than what there is to tell apart: each repetition is one short turn
/// of every
/// variant, each time begun by another, and it is within repetitions that variants are compared.
/// </summary>
internal static class Alternation
{
    private const double TurnMilliseconds = 5;
    private const double WarmUpMilliseconds = 50;

    /// <summary>What the runtime waits for quiet before it compiles again what is called often.</summary>
    private const int TieringDelayMilliseconds = 120;

    /// <summary>Measures.</summary>
    /// <param name="variants">What is compared.</param>
    /// <param name="repetitions">Turns that each gets.</param>
    public static IReadOnlyList<AlternationResult> Run(IReadOnlyList<Variant> variants, int repetitions)
    {
        WarmUp(variants);
        int[] steps = [.. variants.Select(StepsPerTurn)];
        double[][] times = [.. variants.Select(_ => new double[repetitions])];
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            foreach (int i in Turns(repetition, variants.Count))
            {
                times[i][repetition] = Time(variants[i], steps[i]);
            }
        }

        return [.. variants.Select((variant, i) => Result(variant, times[i], times[FirstOfGroup(variants, variant.Group)]))];
    }

    /// <summary>The order of a repetition's turns.</summary>
    /// <param name="repetition">Which repetition.</param>
    /// <param name="count">How many take turns.</param>
    public static IEnumerable<int> Turns(int repetition, int count) =>
        from turn in Enumerable.Range(0, count)
        // Every other repetition backwards: no variant always follows the same one, and finds the caches as that one leaves them.
        let place = repetition % 2 == 0 ? turn : count - 1 - turn
        select (repetition + place) % count;

    /// <summary>The middle of some values.</summary>
    /// <param name="values">The values, in any order.</param>
    public static double Median(double[] values) => Quantile(values, 0.5);

    private static AlternationResult Result(Variant variant, double[] times, double[] first)
    {
        double[] ratios = [.. times.Zip(first, (time, reference) => time / reference)];
        return new AlternationResult(variant, Median(times), Median(ratios), Quantile(ratios, 0.25), Quantile(ratios, 0.75));
    }

    private static int FirstOfGroup(IReadOnlyList<Variant> variants, string group)
    {
        int i = 0;
        while (variants[i].Group != group)
        {
            i++;
        }

        return i;
    }

    /// <summary>
    /// Twice, because code is compiled to be counted in before it is compiled for good. Kernels are compiled for good at once, loops and
    /// libraries are not.
    /// </summary>
    private static void WarmUp(IReadOnlyList<Variant> variants)
    {
        for (int round = 0; round < 2; round++)
        {
            foreach (Variant variant in variants)
            {
                long start = Stopwatch.GetTimestamp();
                do
                {
                    variant.Step();
                }
                while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < WarmUpMilliseconds);
            }

            Thread.Sleep(TieringDelayMilliseconds);
        }
    }

    private static int StepsPerTurn(Variant variant)
    {
        double nanoseconds = Math.Min(Time(variant, 1), Time(variant, 1));
        return Math.Max(1, (int)(TurnMilliseconds * 1e6 / nanoseconds));
    }

    private static double Time(Variant variant, int steps)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++)
        {
            variant.Step();
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / steps;
    }

    private static double Quantile(double[] values, double share)
    {
        double[] sorted = [.. values.Order()];
        double position = share * (sorted.Length - 1);
        int below = (int)position;
        return below + 1 == sorted.Length ? sorted[below] : double.Lerp(sorted[below], sorted[below + 1], position - below);
    }
}
