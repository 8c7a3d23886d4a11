using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The votes of signs and magnitudes (Grasp): each column votes for a neuron where the signs of input and weight agree, and against it where they do not. Votes
/// have the weights that products have on average where both are normally distributed: 1 where both are small, 3.92 where one is large, 15.3 where
/// both are; a column whose input is an outlier has a weight of its own beside that. Sums are in hundredths, integers, and so the same however they are summed.
/// </summary>
/// <remarks>
/// An input is three rows of <see cref="Signs.WordsPerRow"/> words, one after the other: signs, large elements, outliers. A zero votes by its sign bit, as a
/// small element.
/// </remarks>
public static class Votes
{
    /// <summary>Hundredths of a vote of two small elements.</summary>
    private const int Small = 100;

    /// <summary>Of a large one and a small one.</summary>
    private const int Mixed = 392;

    /// <summary>Of two large ones.</summary>
    private const int Large = 1530;

    /// <summary>Packs an input.</summary>
    /// <param name="x">The input, readable up to its padded width.</param>
    /// <param name="words">Room for three rows.</param>
    /// <param name="columns">Width of the input.</param>
    /// <param name="sigmas">Standard deviations from the mean beyond which an element is an outlier.</param>
    public static void Pack(ref readonly float x, ref ulong words, int columns, float sigmas)
    {
        int row = Signs.WordsPerRow(columns);
        Signs.Pack(in x, ref words, columns);
        Magnitudes.Pack(in x, ref Unsafe.Add(ref words, row), ref Unsafe.Add(ref words, 2 * row), columns, sigmas);
    }

    /// <summary>The sum of an input's votes for a row of small weights with the input's own signs: what its words are added to.</summary>
    /// <param name="words">The packed input.</param>
    /// <param name="columns">Its width.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    public static long Start(ref readonly ulong words, int columns, int outlierWeight)
    {
        int row = Signs.WordsPerRow(columns);
        int outliers = 0;
        foreach (ulong word in MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref Unsafe.AsRef(in words), 2 * row), row))
        {
            outliers += BitOperations.PopCount(word);
        }

        return ((long)Small * columns) + ((long)outlierWeight * outliers);
    }

    /// <summary>What 64 columns of a row change of <see cref="Start"/>.</summary>
    /// <param name="signs">The input's signs.</param>
    /// <param name="large">Which of its elements are large.</param>
    /// <param name="outliers">Which are outliers.</param>
    /// <param name="rowSigns">The row's signs.</param>
    /// <param name="rowLarge">Which of its weights are large.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Of(ulong signs, ulong large, ulong outliers, ulong rowSigns, ulong rowLarge, int outlierWeight)
    {
        ulong differ = signs ^ rowSigns;
        ulong mixed = large ^ rowLarge;
        ulong both = large & rowLarge;
        return Of(
            BitOperations.PopCount(differ),
            BitOperations.PopCount(mixed),
            BitOperations.PopCount(differ & mixed),
            BitOperations.PopCount(both),
            BitOperations.PopCount(differ & both),
            BitOperations.PopCount(differ & outliers),
            outlierWeight);
    }

    /// <summary>The same from counts of columns.</summary>
    /// <param name="differ">Whose signs differ.</param>
    /// <param name="mixed">Of which one is large, input or weight.</param>
    /// <param name="mixedDiffer">The same, where signs differ.</param>
    /// <param name="both">Where both are large.</param>
    /// <param name="bothDiffer">The same, where signs differ.</param>
    /// <param name="outliersDiffer">Outliers where signs differ.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static long Of(int differ, int mixed, int mixedDiffer, int both, int bothDiffer, int outliersDiffer, int outlierWeight)
    {
        long votesOfBoth = both - (2 * bothDiffer);
        long votesOfMixed = mixed - (2 * mixedDiffer);
        long votesOfSmall = (2 * (bothDiffer + mixedDiffer - differ)) - both - mixed; // beside one of each column, which Start has
        return (Large * votesOfBoth) + (Mixed * votesOfMixed) + (Small * votesOfSmall) - (2L * outlierWeight * outliersDiffer);
    }
}
