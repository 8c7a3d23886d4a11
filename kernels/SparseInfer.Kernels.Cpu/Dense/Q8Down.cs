using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q8_0's part of <see cref="BlockDown"/>: two neurons' bytes become 16-bit pairs, a column each, which are multiplied and added with the
/// pair of activations of 16 bits.
/// </summary>
internal readonly unsafe struct Q8Down : IBlockDownKernel
{
    public static float Range => 32767;

    public static int LineColumns => 64;

    public static int Quant(ref byte row, int column) => (sbyte)Unsafe.Add(ref row, column);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddFour(
        in FourRows rows,
        in FourRows next,
        short* quants,
        int index,
        bool isLast,
        in BlockDown.BlockScales scales,
        int fromColumn,
        int toColumn,
        int* sums,
        float* y)
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector256<short> h01 = Vector256.Create(*(int*)quants).AsInt16();
        Vector256<short> h23 = Vector256.Create(*(int*)(quants + 2)).AsInt16();
        Vector256<float> step = Vector256.Create(scales.Step);
        byte* halves = scales.Halves;
        byte* ahead = scales.Ahead;
        for (nint column = fromColumn; column < toColumn; column += 16, sums += 16)
        {
            if ((column & 63) == 0)
            {
                Sse.Prefetch0(n0 + column);
                Sse.Prefetch0(n1 + column);
                Sse.Prefetch0(n2 + column);
                Sse.Prefetch0(n3 + column);
            }

            Vector256<short> a = Avx2.ConvertToVector256Int16((sbyte*)r0 + column);
            Vector256<short> b = Avx2.ConvertToVector256Int16((sbyte*)r1 + column);
            Vector256<short> c = Avx2.ConvertToVector256Int16((sbyte*)r2 + column);
            Vector256<short> d = Avx2.ConvertToVector256Int16((sbyte*)r3 + column);

            // Columns 0-3 and 8-11, then 4-7 and 12-15.
            Vector256<int> low = Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(a, b), h01) + Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(c, d), h23);
            Vector256<int> high = Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(a, b), h01) + Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(c, d), h23);
            if (index != 0)
            {
                low += Vector256.Load(sums);
                high += Vector256.Load(sums + 8);
            }
            if (!isLast)
            {
                low.Store(sums);
                high.Store(sums + 8);
                continue;
            }
            if ((column & 31) == 0)
                Sse.Prefetch0(ahead + (2 * column));
            BlockDown.BlockScales.Add(
                Avx2.Permute2x128(low, high, 0x20), Avx2.Permute2x128(low, high, 0x31), halves + (2 * column), step, y + column);
        }
    }
}
