using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Four dot products in the formats that store numbers one by one. In each segment of 1024 columns, lane j of 16 sums columns j, j + 16,
/// j + 32, ... in that order by fused multiply-add, and one fixed tree sums the lanes; the segments are added in order, to zero.
/// </summary>
/// <remarks>
/// With AVX2 the loops are written for vectors of 8 lanes, on processors with 512-bit vectors too: a loop that waits for memory gains nothing
/// from wider ones, and the general loop reads there at half the rate (measured on Zen 4 and Zen 5). Sixteen-bit weights are widened by
/// interleaving each with the other half of its float, two instructions for 16 weights, which leaves them in <see cref="Interleaved"/>
/// order; the input is stored in that order too.
/// </remarks>
internal static unsafe class PlainDot
{
    /// <summary>
    /// Columns whose lanes are summed before the next are begun. Every product does so: then a batch of vectors can go through
    /// a matrix in blocks of columns that fit a cache, and keep one number of each sum, not sixteen.
    /// </summary>
    public const int Segment = 1024;

    /// <summary>
    /// Whether sixteen-bit formats want each 16 elements of the input as 0-3, 8-11, 4-7, 12-15. The lanes then meet in the same tree.
    /// </summary>
    public static bool Interleaved => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Any format that widens 32 columns: processors without AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widened<T>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where T : IWeightFormat
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector128<float> total = Vector128<float>.Zero;
        nint step = (nint)T.RowBytes(32);
        nint offset = 0;
        nuint column = 0;
        while (column < (nuint)paddedColumns)
        {
            nuint end = Math.Min(column + Segment, (nuint)paddedColumns);
            Vector512<float> sum0 = Vector512<float>.Zero;
            Vector512<float> sum1 = Vector512<float>.Zero;
            Vector512<float> sum2 = Vector512<float>.Zero;
            Vector512<float> sum3 = Vector512<float>.Zero;
            for (; column < end; column += 32, offset += step)
            {
                Prefetch.Line(n0 + offset);
                Prefetch.Line(n1 + offset);
                Prefetch.Line(n2 + offset);
                Prefetch.Line(n3 + offset);
                Vector512<float> xLo = Vector512.LoadUnsafe(ref x, column);
                Vector512<float> xHi = Vector512.LoadUnsafe(ref x, column + 16);
                T.Load32(ref *r0, column, out Vector512<float> lo, out Vector512<float> hi);
                sum0 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum0));
                T.Load32(ref *r1, column, out lo, out hi);
                sum1 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum1));
                T.Load32(ref *r2, column, out lo, out hi);
                sum2 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum2));
                T.Load32(ref *r3, column, out lo, out hi);
                sum3 = Vector512.FusedMultiplyAdd(xHi, hi, Vector512.FusedMultiplyAdd(xLo, lo, sum3));
            }

            total += Reduction.Sum4(sum0, sum1, sum2, sum3);
        }

        return total;
    }

    /// <summary>Sixteen-bit formats with vectors of 8 lanes; the input is in <see cref="Interleaved"/> order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sixteen<TWiden>(ref float x, in FourRows rows, in FourRows next, int paddedColumns)
        where TWiden : struct, IInterleave
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector128<float> total = Vector128<float>.Zero;
        nint bytes = (nint)paddedColumns * sizeof(short);

        // Rows that follow these in memory are fetched in one run of lines, which is how memory is read fastest: two threads on Zen 5 whose memory was
        // shared decoded 5% faster in Dense and 12% in Predicted. Of others, and of these rows first, the lines are fetched that come half a segment
        // later or more (or a whole shorter row), so far that it is the next rows' from some segment's beginning on: four whole rows would exceed the
        // first-level cache.
        bool follow = n0 == r3 + bytes;
        const int SegmentBytes = Segment * sizeof(short);
        nint ahead = bytes % SegmentBytes;
        ahead = Math.Min(ahead < SegmentBytes / 2 ? ahead + SegmentBytes : ahead, bytes);
        nint turn = bytes - ahead;
        nint i = 0;
        fixed (float* input = &x)
        {
            while (i < bytes)
            {
                nint end = Math.Min(i + SegmentBytes, bytes);
                bool same = i < turn;
                byte* p0 = same ? r0 + ahead : n0 - turn, p1 = same ? r1 + ahead : n1 - turn;
                byte* p2 = same ? r2 + ahead : n2 - turn, p3 = same ? r3 + ahead : n3 - turn;
                byte* line = follow ? n0 + (4 * i) : p0 + i;
                nint second = follow ? 64 : (nint)(p1 - p0), third = follow ? 128 : (nint)(p2 - p0), fourth = follow ? 192 : (nint)(p3 - p0);
                nint step = follow ? 256 : 64;
                Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default;
                Vector256<float> a2 = default, b2 = default, a3 = default, b3 = default;
                for (; i < end; i += 64, line += step)
                {
                    Sse.Prefetch0(line);
                    Sse.Prefetch0(line + second);
                    Sse.Prefetch0(line + third);
                    Sse.Prefetch0(line + fourth);
                    byte* at = (byte*)input + (2 * i);
                    Vector256<float> xA = Vector256.Load((float*)at);
                    Vector256<float> xB = Vector256.Load((float*)(at + 32));
                    TWiden.Load(r0 + i, out Vector256<float> a, out Vector256<float> b);
                    a0 = Fma.MultiplyAdd(xA, a, a0);
                    b0 = Fma.MultiplyAdd(xB, b, b0);
                    TWiden.Load(r1 + i, out a, out b);
                    a1 = Fma.MultiplyAdd(xA, a, a1);
                    b1 = Fma.MultiplyAdd(xB, b, b1);
                    TWiden.Load(r2 + i, out a, out b);
                    a2 = Fma.MultiplyAdd(xA, a, a2);
                    b2 = Fma.MultiplyAdd(xB, b, b2);
                    TWiden.Load(r3 + i, out a, out b);
                    a3 = Fma.MultiplyAdd(xA, a, a3);
                    b3 = Fma.MultiplyAdd(xB, b, b3);

                    xA = Vector256.Load((float*)(at + 64));
                    xB = Vector256.Load((float*)(at + 96));
                    TWiden.Load(r0 + i + 32, out a, out b);
                    a0 = Fma.MultiplyAdd(xA, a, a0);
                    b0 = Fma.MultiplyAdd(xB, b, b0);
                    TWiden.Load(r1 + i + 32, out a, out b);
                    a1 = Fma.MultiplyAdd(xA, a, a1);
                    b1 = Fma.MultiplyAdd(xB, b, b1);
                    TWiden.Load(r2 + i + 32, out a, out b);
                    a2 = Fma.MultiplyAdd(xA, a, a2);
                    b2 = Fma.MultiplyAdd(xB, b, b2);
                    TWiden.Load(r3 + i + 32, out a, out b);
                    a3 = Fma.MultiplyAdd(xA, a, a3);
                    b3 = Fma.MultiplyAdd(xB, b, b3);
                }

                total += Reduction.Sum4Quarters(
                    InterleavedQuarter(a0, b0), InterleavedQuarter(a1, b1), InterleavedQuarter(a2, b2), InterleavedQuarter(a3, b3));
            }
        }

        return total;
    }

    /// <summary>Sixteen sums in interleaved order as the tree's four: lane k with lane k + 8, then k + 4 with k + 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> InterleavedQuarter(Vector256<float> a, Vector256<float> b) =>
        (a.GetLower() + a.GetUpper()) + (b.GetLower() + b.GetUpper());

    /// <summary>16 floats as two vectors in <see cref="Interleaved"/> order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadInterleaved(float* values, out Vector256<float> a, out Vector256<float> b)
    {
        a = Vector256.Create(Vector128.Load(values), Vector128.Load(values + 8));
        b = Vector256.Create(Vector128.Load(values + 4), Vector128.Load(values + 12));
    }

    /// <summary>The inverse of <see cref="LoadInterleaved"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreInterleaved(float* values, Vector256<float> a, Vector256<float> b)
    {
        a.GetLower().Store(values);
        b.GetLower().Store(values + 4);
        a.GetUpper().Store(values + 8);
        b.GetUpper().Store(values + 12);
    }

    /// <summary>How 16 weights become floats, and in which order: in two-byte formats elements 0-3 and 8-11, then 4-7 and 12-15.</summary>
    internal interface IInterleave
    {
        /// <summary>Bytes of a weight.</summary>
        static abstract int Bytes { get; }

        /// <summary>Weights.</summary>
        static abstract void Load(byte* weights, out Vector256<float> a, out Vector256<float> b);

        /// <summary>The tree's four sums of 16 that are in the order of the weights.</summary>
        static abstract Vector128<float> Quarter(Vector256<float> a, Vector256<float> b);

        /// <summary>16 floats, in the order of the weights.</summary>
        static abstract void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b);

        /// <summary>The inverse of <see cref="LoadSums"/>.</summary>
        static abstract void StoreSums(float* sums, Vector256<float> a, Vector256<float> b);
    }
}
