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
    /// Columns whose lanes are summed before the next are begun. Every product in this room does so: then a batch of vectors can go through
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

    /// <summary>
    /// F32 with vectors of 8 lanes: multiply-adds straight from memory. Nothing is fetched ahead: these loops never keep memory waiting, and
    /// fetching takes a tenth of the speed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> F32(ref float x, in FourRows rows, int paddedColumns)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        Vector128<float> total = Vector128<float>.Zero;
        nint bytes = (nint)paddedColumns * sizeof(float);
        nint i = 0;
        fixed (float* input = &x)
        {
            while (i < bytes)
            {
                nint end = Math.Min(i + (Segment * sizeof(float)), bytes);
                Vector256<float> lower0 = default, upper0 = default, lower1 = default, upper1 = default;
                Vector256<float> lower2 = default, upper2 = default, lower3 = default, upper3 = default;
                for (; i < end; i += 64)
                {
                    Vector256<float> xLo = Vector256.Load((float*)((byte*)input + i));
                    Vector256<float> xHi = Vector256.Load((float*)((byte*)input + i + 32));
                    lower0 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r0 + i)), lower0);
                    upper0 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r0 + i + 32)), upper0);
                    lower1 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r1 + i)), lower1);
                    upper1 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r1 + i + 32)), upper1);
                    lower2 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r2 + i)), lower2);
                    upper2 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r2 + i + 32)), upper2);
                    lower3 = Fma.MultiplyAdd(xLo, Vector256.Load((float*)(r3 + i)), lower3);
                    upper3 = Fma.MultiplyAdd(xHi, Vector256.Load((float*)(r3 + i + 32)), upper3);
                }
                total += Reduction.Sum4(
                    Vector512.Create(lower0, upper0), Vector512.Create(lower1, upper1),
                    Vector512.Create(lower2, upper2), Vector512.Create(lower3, upper3));
            }
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
        nint i = 0;
        fixed (float* input = &x)
        {
            while (i < bytes)
            {
                nint end = Math.Min(i + (Segment * sizeof(short)), bytes);
                Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default;
                Vector256<float> a2 = default, b2 = default, a3 = default, b3 = default;
                for (; i < end; i += 64)
                {
                    Sse.Prefetch0(n0 + i);
                    Sse.Prefetch0(n1 + i);
                    Sse.Prefetch0(n2 + i);
                    Sse.Prefetch0(n3 + i);
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
    private static Vector128<float> InterleavedQuarter(Vector256<float> a, Vector256<float> b) =>
        (a.GetLower() + a.GetUpper()) + (b.GetLower() + b.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadInterleaved(float* values, out Vector256<float> a, out Vector256<float> b)
    {
        a = Vector256.Create(Vector128.Load(values), Vector128.Load(values + 8));
        b = Vector256.Create(Vector128.Load(values + 4), Vector128.Load(values + 12));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreInterleaved(float* values, Vector256<float> a, Vector256<float> b)
    {
        a.GetLower().Store(values);
        b.GetLower().Store(values + 4);
        a.GetUpper().Store(values + 8);
        b.GetUpper().Store(values + 12);
    }

    /// <summary>How 16 weights become floats, and in which order: in two-byte formats elements 0-3 and 8-11, then 4-7 and 12-15.</summary>
    internal interface IInterleave
    {
        /// <summary>Weights.</summary>
        static abstract void Load(byte* weights, out Vector256<float> a, out Vector256<float> b);

        /// <summary>16 floats, in the order of the weights.</summary>
        static abstract void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b);

        /// <summary>The inverse of <see cref="LoadSums"/>.</summary>
        static abstract void StoreSums(float* sums, Vector256<float> a, Vector256<float> b);
    }

    /// <summary>F32: as they are.</summary>
    internal readonly struct Singles : IInterleave
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b) => LoadSums((float*)weights, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b)
        {
            a = Vector256.Load(sums);
            b = Vector256.Load(sums + 8);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b)
        {
            a.Store(sums);
            b.Store(sums + 8);
        }
    }

    /// <summary>
    /// Halves in folded scale: sign, exponent and the upper 7 bits of the fraction are the float's upper half, shifted by 3; the lower 3 bits its
    /// lower half.
    /// </summary>
    internal readonly struct Halves : IInterleave
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b)
        {
            Vector256<short> halves = Vector256.Load((short*)weights);
            Vector256<short> upper = Avx2.ShiftRightArithmetic(halves, 3) & Vector256.Create(unchecked((short)0x8FFF));
            Vector256<short> lower = Avx2.ShiftLeftLogical(halves, 13);
            a = Avx2.UnpackLow(lower, upper).AsSingle();
            b = Avx2.UnpackHigh(lower, upper).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b) => LoadInterleaved(sums, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b) => StoreInterleaved(sums, a, b);
    }

    /// <summary>bfloat16: a float's upper half as it is.</summary>
    internal readonly struct BrainFloats : IInterleave
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* weights, out Vector256<float> a, out Vector256<float> b)
        {
            Vector256<short> upper = Vector256.Load((short*)weights);
            a = Avx2.UnpackLow(Vector256<short>.Zero, upper).AsSingle();
            b = Avx2.UnpackHigh(Vector256<short>.Zero, upper).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadSums(float* sums, out Vector256<float> a, out Vector256<float> b) => LoadInterleaved(sums, out a, out b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreSums(float* sums, Vector256<float> a, Vector256<float> b) => StoreInterleaved(sums, a, b);
    }
}
