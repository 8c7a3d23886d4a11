using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The part of <see cref="BlockDown"/> of types whose quants have four to six bits: two neurons' quants side by side are multiplied with the pair of
/// activations' bytes and added in 16 bits, as many pairs as fit; wider sums meet the integer scales.
/// </summary>
internal readonly unsafe struct QuantDown<T> : IBlockDownKernel
    where T : struct, IQuantFormat
{
    /// <summary>Columns that are added up at a time.</summary>
    private const int Columns = 32;

    public static float Range => 127;

    public static int LineColumns => 2 * Columns;

    public static int PartNeurons => T.PartColumns;

    public static bool HasMinimum => T.BlockHalves > 1;

    /// <summary>Pairs of neurons whose products' sums fit 16 bits.</summary>
    private static int PairsInWord => short.MaxValue / (2 * 127 * ((16 << T.HighBits) - 1));

    public static nint RowBytes(int column) => QuantBlocks.DownNeuronBytes<T>(column);

    public static int Quant(ref byte row, int column)
    {
        fixed (byte* quants = &row)
        {
            return Quants.Load(quants + RowBytes(column), T.HighBits).GetElement(column % Columns) - T.Excess;
        }
    }

    public static int Scale(in BlockDown.BlockScales scales, int part, int column) =>
        T.Scale(Integers(in scales) + column, scales.Columns, FirstPart(in scales) + part);

    public static int Minimum(in BlockDown.BlockScales scales, int column) =>
        T.Minimum(Integers(in scales) + column, scales.Columns, FirstPart(in scales));

    /// <summary>Bytes: first, second, and both again.</summary>
    public static int Pair(short first, short second) => ((byte)first | ((byte)second << 8)) * 0x10001;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddLines<TLine>(
        byte** rows,
        int* pairs,
        int count,
        in BlockDown.BlockScales scales,
        int fromColumn,
        int toColumn,
        float* y,
        ref BlockDown.RowsAhead ahead)
        where TLine : struct, BlockDown.ILine
    {
        Vector256<int>* lower = stackalloc Vector256<int>[Columns / 8];
        Vector256<int>* upper = stackalloc Vector256<int>[Columns / 8];
        Vector256<float> step = Vector256.Create(scales.FoldedStep);
        int part = FirstPart(in scales);
        for (int column = fromColumn; column < toColumn; column += Columns)
        {
            byte* next = ahead.Next(column, Columns, out byte* end);
            for (; next < end; next += 64)
            {
                Sse.Prefetch0(next);
            }

            nint at = RowBytes(column);
            byte* integers = Integers(in scales) + column;
            byte* halves = scales.Halves + (sizeof(ushort) * (nint)column);
            Sum(rows, pairs, 0, scales.Pairs, at, scales.Sum, lower);
            if (T.ScaleBytes > 0)
            {
                Multiply(lower, T.LoadScales(integers, scales.Columns, part));
            }

            if (PartNeurons < DownMatrix.BlockNeurons)
            {
                Sum(rows, pairs, scales.Pairs, count, at, scales.UpperSum, upper);
                Multiply(upper, T.LoadScales(integers, scales.Columns, part + 1));
                for (int k = 0; k < Columns / 8; k++)
                {
                    lower[k] += upper[k];
                }
            }

            Add(lower, halves, step, y + column);
            if (HasMinimum)
            {
                for (int k = 0; k < Columns / 8; k++)
                {
                    lower[k] = Vector256.Create(-(scales.Sum + scales.UpperSum));
                }

                Multiply(lower, T.LoadMinima(integers, scales.Columns, part));
                Add(lower, halves + (sizeof(ushort) * scales.Columns), step, y + column);
            }
        }
    }

    /// <summary>Which part of a block, of those that share an integer scale, the 32 neurons begin with.</summary>
    private static int FirstPart(in BlockDown.BlockScales scales) => scales.Eighth * (DownMatrix.BlockNeurons / PartNeurons);

    private static byte* Integers(in BlockDown.BlockScales scales) => scales.Halves + (sizeof(ushort) * T.BlockHalves * scales.Columns);

    /// <summary>Some pairs' sums for 32 columns, less what quants have too much.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum(byte** rows, int* pairs, int from, int to, nint at, int activations, Vector256<int>* sums)
    {
        Vector256<int> a = Vector256.Create(-T.Excess * activations), b = a, c = a, d = a;
        for (int pair = from; pair < to;)
        {
            // Columns 0 to 7 and 16 to 23, then 8 to 15 and 24 to 31, as the unpacking leaves them.
            Vector256<short> low = Vector256<short>.Zero, high = Vector256<short>.Zero;
            for (int stop = Math.Min(pair + PairsInWord, to); pair < stop; pair++)
            {
                Vector256<byte> r = Quants.Load(rows[2 * pair] + at, T.HighBits);
                Vector256<byte> s = Quants.Load(rows[(2 * pair) + 1] + at, T.HighBits);
                Vector256<sbyte> h = Vector256.Create(pairs[pair]).AsSByte();
                low += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(r, s), h);
                high += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(r, s), h);
            }

            a += Avx2.ConvertToVector256Int32(low.GetLower());
            b += Avx2.ConvertToVector256Int32(high.GetLower());
            c += Avx2.ConvertToVector256Int32(low.GetUpper());
            d += Avx2.ConvertToVector256Int32(high.GetUpper());
        }

        sums[0] = a;
        sums[1] = b;
        sums[2] = c;
        sums[3] = d;
    }

    /// <summary>32 columns' sums times their integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(Vector256<int>* sums, Vector256<sbyte> integers)
    {
        Vector128<sbyte> first = integers.GetLower();
        Vector128<sbyte> second = integers.GetUpper();
        sums[0] *= Avx2.ConvertToVector256Int32(first);
        sums[1] *= Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(first, 8));
        sums[2] *= Avx2.ConvertToVector256Int32(second);
        sums[3] *= Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(second, 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int>* sums, byte* halves, Vector256<float> step, float* y)
    {
        for (int k = 0; k < Columns / 8; k++)
        {
            BlockDown.BlockScales.Add(sums[k], halves + (8 * sizeof(ushort) * k), step, y + (8 * k));
        }
    }
}
