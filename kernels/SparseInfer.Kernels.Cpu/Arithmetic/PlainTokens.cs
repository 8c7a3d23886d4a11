using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Four dot products of each of some tokens, in the formats that store numbers one by one: weights are read from memory and widened once for two or
/// three tokens, in the order of <see cref="PlainDot"/>. A segment of four rows stays in the first-level cache until all tokens have met it.
/// </summary>
/// <remarks>
/// Two rows by three tokens are twelve sums of 8 lanes, as many as fit 16 registers with what they are made of. For few tokens this beats tiles of
/// <see cref="MatrixMatrix"/>, which pack rows first.
/// </remarks>
internal static unsafe class PlainTokens
{
    /// <summary>Dots four rows with some tokens' inputs.</summary>
    /// <param name="inputs">The inputs, prepared one by one, one after the other.</param>
    /// <param name="tokens">Number of tokens, at least two.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="next">The rows that come next: fetched meanwhile.</param>
    /// <param name="paddedColumns">Length of an input and of a row.</param>
    /// <param name="totals">The results: four for each token.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void DotFour<TWiden>(float* inputs, int tokens, in FourRows rows, in FourRows next, int paddedColumns, float* totals)
        where TWiden : struct, PlainDot.IInterleave
    {
        new Span<float>(totals, tokens * 4).Clear();
        for (int column = 0; column < paddedColumns; column += PlainDot.Segment)
        {
            int columns = Math.Min(PlainDot.Segment, paddedColumns - column);
            nint offset = (nint)column * TWiden.Bytes;
            FourRows segment = Move(in rows, offset);
            bool isLast = column + PlainDot.Segment >= paddedColumns;
            FourRows ahead = isLast ? next : Move(in rows, offset + (PlainDot.Segment * TWiden.Bytes));
            float* x = inputs + column;
            float* results = totals;
            for (int left = tokens; left > 0;)
            {
                // Threes, and twos where one would be left over.
                int count = left is 2 or 4 ? 2 : 3;
                if (count == 3)
                {
                    Three<TWiden>(x, paddedColumns, segment.First, segment.Second, ahead.First, ahead.Second, columns, results);
                    Three<TWiden>(x, paddedColumns, segment.Third, segment.Fourth, ahead.Third, ahead.Fourth, columns, results + 2);
                }
                else
                {
                    Two<TWiden>(x, paddedColumns, segment.First, segment.Second, ahead.First, ahead.Second, columns, results);
                    Two<TWiden>(x, paddedColumns, segment.Third, segment.Fourth, ahead.Third, ahead.Fourth, columns, results + 2);
                }

                left -= count;
                x += (nint)count * paddedColumns;
                results += count * 4;

                // Once is enough.
                ahead = segment;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FourRows Move(in FourRows rows, nint offset) =>
        new(rows.First + offset, rows.Second + offset, rows.Third + offset, rows.Fourth + offset);

    /// <summary>A segment of two rows, with three tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three<TWiden>(
        float* x, nint stride, byte* row0, byte* row1, byte* ahead0, byte* ahead1, int columns, float* totals)
        where TWiden : struct, PlainDot.IInterleave
    {
        Vector256<float> a00 = default, b00 = default, a01 = default, b01 = default, a02 = default, b02 = default;
        Vector256<float> a10 = default, b10 = default, a11 = default, b11 = default, a12 = default, b12 = default;
        float* x1 = x + stride, x2 = x1 + stride;
        for (nint i = 0, w = 0; i < columns; i += 16, w += 16 * TWiden.Bytes)
        {
            if (TWiden.Bytes < sizeof(float))
            {
                Sse.Prefetch0(ahead0 + w);
                Sse.Prefetch0(ahead1 + w);
            }

            TWiden.Load(row0 + w, out Vector256<float> a, out Vector256<float> b);
            a00 = Fma.MultiplyAdd(a, Vector256.Load(x + i), a00);
            b00 = Fma.MultiplyAdd(b, Vector256.Load(x + i + 8), b00);
            a01 = Fma.MultiplyAdd(a, Vector256.Load(x1 + i), a01);
            b01 = Fma.MultiplyAdd(b, Vector256.Load(x1 + i + 8), b01);
            a02 = Fma.MultiplyAdd(a, Vector256.Load(x2 + i), a02);
            b02 = Fma.MultiplyAdd(b, Vector256.Load(x2 + i + 8), b02);
            TWiden.Load(row1 + w, out a, out b);
            a10 = Fma.MultiplyAdd(a, Vector256.Load(x + i), a10);
            b10 = Fma.MultiplyAdd(b, Vector256.Load(x + i + 8), b10);
            a11 = Fma.MultiplyAdd(a, Vector256.Load(x1 + i), a11);
            b11 = Fma.MultiplyAdd(b, Vector256.Load(x1 + i + 8), b11);
            a12 = Fma.MultiplyAdd(a, Vector256.Load(x2 + i), a12);
            b12 = Fma.MultiplyAdd(b, Vector256.Load(x2 + i + 8), b12);
        }

        Vector128<float> third0 = TWiden.Quarter(a02, b02);
        Vector128<float> third1 = TWiden.Quarter(a12, b12);
        AddTwo<TWiden>(a00, b00, a10, b10, a01, b01, a11, b11, totals);
        Vector128<float> sums = Reduction.Sum4Quarters(third0, third1, third0, third1);
        totals[8] += sums.GetElement(0);
        totals[9] += sums.GetElement(1);
    }

    /// <summary>As <see cref="Three"/>, with two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two<TWiden>(
        float* x, nint stride, byte* row0, byte* row1, byte* ahead0, byte* ahead1, int columns, float* totals)
        where TWiden : struct, PlainDot.IInterleave
    {
        Vector256<float> a00 = default, b00 = default, a01 = default, b01 = default;
        Vector256<float> a10 = default, b10 = default, a11 = default, b11 = default;
        float* x1 = x + stride;
        for (nint i = 0, w = 0; i < columns; i += 16, w += 16 * TWiden.Bytes)
        {
            if (TWiden.Bytes < sizeof(float))
            {
                Sse.Prefetch0(ahead0 + w);
                Sse.Prefetch0(ahead1 + w);
            }

            TWiden.Load(row0 + w, out Vector256<float> a, out Vector256<float> b);
            a00 = Fma.MultiplyAdd(a, Vector256.Load(x + i), a00);
            b00 = Fma.MultiplyAdd(b, Vector256.Load(x + i + 8), b00);
            a01 = Fma.MultiplyAdd(a, Vector256.Load(x1 + i), a01);
            b01 = Fma.MultiplyAdd(b, Vector256.Load(x1 + i + 8), b01);
            TWiden.Load(row1 + w, out a, out b);
            a10 = Fma.MultiplyAdd(a, Vector256.Load(x + i), a10);
            b10 = Fma.MultiplyAdd(b, Vector256.Load(x + i + 8), b10);
            a11 = Fma.MultiplyAdd(a, Vector256.Load(x1 + i), a11);
            b11 = Fma.MultiplyAdd(b, Vector256.Load(x1 + i + 8), b11);
        }

        AddTwo<TWiden>(a00, b00, a10, b10, a01, b01, a11, b11, totals);
    }

    /// <summary>Adds two rows' sums of two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTwo<TWiden>(
        Vector256<float> a00,
        Vector256<float> b00,
        Vector256<float> a10,
        Vector256<float> b10,
        Vector256<float> a01,
        Vector256<float> b01,
        Vector256<float> a11,
        Vector256<float> b11,
        float* totals)
        where TWiden : struct, PlainDot.IInterleave
    {
        Vector128<float> sums = Reduction.Sum4Quarters(
            TWiden.Quarter(a00, b00), TWiden.Quarter(a10, b10), TWiden.Quarter(a01, b01), TWiden.Quarter(a11, b11));
        totals[0] += sums.GetElement(0);
        totals[1] += sums.GetElement(1);
        totals[4] += sums.GetElement(2);
        totals[5] += sums.GetElement(3);
    }
}
