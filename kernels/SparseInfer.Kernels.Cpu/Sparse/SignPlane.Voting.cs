using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <content>Votes of signs and magnitudes.</content>
public readonly unsafe partial struct SignPlane
{
    /// <summary>
    /// Lists the rows of a range for which an input's votes, in hundredths, are below a number or above another: those a predictor lets
    /// through.
    /// </summary>
    /// <param name="magnitudes">The plane of this one's matrix that says which weights are large.</param>
    /// <param name="votes">The input, as <see cref="Votes.Pack"/> packs it.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    /// <param name="below">Lets through what is less.</param>
    /// <param name="above">Lets through what is more.</param>
    /// <param name="list">Room for a number for every row of the range; what lies behind those that are listed may be overwritten.</param>
    /// <returns>How many are listed, in ascending order.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public int Voting(
        in SignPlane magnitudes, ref readonly ulong votes, int fromRow, int toRow, int outlierWeight, long below, long above, ref int list)
    {
        int count = 0;
        nint bytes = (nint)WordsPerRow * sizeof(ulong);
        long start = Votes.Start(in votes, Columns, outlierWeight);
        byte* row = (byte*)_words + (fromRow * bytes);
        byte* large = (byte*)magnitudes._words + (fromRow * bytes);
        fixed (ulong* input = &votes)
        {
            for (int i = fromRow; i < toRow; i++, row += bytes, large += bytes)
            {
                // Without a branch, as in Agreeing.
                long sum = start + VoteCount.Of(row, large, (byte*)input, bytes, outlierWeight);
                Unsafe.Add(ref list, count) = i;
                count += sum < below || sum > above ? 1 : 0;
            }
        }

        return count;
    }

    /// <summary>
    /// Lists the rows of a range that neither this matrix nor another bars: see
    /// <see cref="Voting(in SignPlane, ref readonly ulong, int, int, int, long, long, ref int)"/>.
    /// </summary>
    /// <param name="magnitudes">The plane of this one's matrix that says which weights are large.</param>
    /// <param name="other">Signs of a matrix of this one's rows and columns.</param>
    /// <param name="otherMagnitudes">The plane of that matrix that says which weights are large.</param>
    /// <param name="votes">The input, compared with both.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="outlierWeight">Hundredths of an outlier's vote.</param>
    /// <param name="below">Lets through what is less in both matrices.</param>
    /// <param name="above">Or more.</param>
    /// <param name="list">Room for a number for every row of the range.</param>
    /// <returns>How many are listed, in ascending order.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public int Voting(
        in SignPlane magnitudes,
        in SignPlane other,
        in SignPlane otherMagnitudes,
        ref readonly ulong votes,
        int fromRow,
        int toRow,
        int outlierWeight,
        long below,
        long above,
        ref int list)
    {
        int count = 0;
        nint bytes = (nint)WordsPerRow * sizeof(ulong);
        long start = Votes.Start(in votes, Columns, outlierWeight);
        fixed (ulong* input = &votes)
        {
            for (int i = fromRow; i < toRow; i++)
            {
                nint at = i * bytes;
                long sum = start + VoteCount.Of((byte*)_words + at, (byte*)magnitudes._words + at, (byte*)input, bytes, outlierWeight);
                long otherSum = start + VoteCount.Of((byte*)other._words + at, (byte*)otherMagnitudes._words + at, (byte*)input, bytes, outlierWeight);
                Unsafe.Add(ref list, count) = i;
                count += (sum < below || sum > above) && (otherSum < below || otherSum > above) ? 1 : 0;
            }
        }

        return count;
    }
}
