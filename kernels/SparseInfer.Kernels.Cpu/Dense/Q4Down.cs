using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q4_0's part of <see cref="BlockDown"/>: two neurons' bytes side by side hold, in their lower and upper halves, pairs of quants of 0 to 15. They
/// are multiplied with the pair of activations' bytes and added in 16 bits, to -8 times the activations' sum. What 32 neurons add up to is
/// then at most 32 * 8 * 127, below 2^15: so it is exact, whatever overflows on the way.
/// </summary>
internal readonly unsafe struct Q4Down : IBlockDownKernel
{
    public static float Range => 127;

    public static int LineColumns => 64;

    public static int Quant(ref byte row, int column) =>
        ((Unsafe.Add(ref row, (column / 32 * 16) + (column % 16)) >> (column % 32 / 16 * 4)) & 15) - 8;

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
        Vector256<byte> nibble = Vector256.Create((byte)15);
        Vector256<sbyte> h01 = Vector256.Create((short)((byte)quants[0] | (quants[1] << 8))).AsSByte();
        Vector256<sbyte> h23 = Vector256.Create((short)((byte)quants[2] | (quants[3] << 8))).AsSByte();
        Vector256<float> step = Vector256.Create(scales.Step);
        Vector256<short> start = Vector256.Create((short)(-8 * scales.Sum));
        bool begins = index == 0;
        short* current = (short*)sums;
        for (nint column = fromColumn; column < toColumn; column += 64, current += 64)
        {
            nint at = column / 2;
            if ((at & 63) == 0)
            {
                Sse.Prefetch0(n0 + at);
                Sse.Prefetch0(n1 + at);
                Sse.Prefetch0(n2 + at);
                Sse.Prefetch0(n3 + at);
            }

            Vector256<byte> a = Vector256.Load(r0 + at);
            Vector256<byte> b = Vector256.Load(r1 + at);
            Vector256<byte> c = Vector256.Load(r2 + at);
            Vector256<byte> d = Vector256.Load(r3 + at);
            Vector256<byte> ab = Avx2.UnpackLow(a, b);
            Vector256<byte> cd = Avx2.UnpackLow(c, d);
            Vector256<short> sums0 = Lower(ab, h01, nibble) + Lower(cd, h23, nibble);
            Vector256<short> sums1 = Upper(ab, h01, nibble) + Upper(cd, h23, nibble);
            ab = Avx2.UnpackHigh(a, b);
            cd = Avx2.UnpackHigh(c, d);
            Vector256<short> sums2 = Lower(ab, h01, nibble) + Lower(cd, h23, nibble);
            Vector256<short> sums3 = Upper(ab, h01, nibble) + Upper(cd, h23, nibble);
            if (begins)
            {
                sums0 += start;
                sums1 += start;
                sums2 += start;
                sums3 += start;
            }
            else
            {
                sums0 += Vector256.Load(current);
                sums1 += Vector256.Load(current + 16);
                sums2 += Vector256.Load(current + 32);
                sums3 += Vector256.Load(current + 48);
            }
            if (!isLast)
            {
                sums0.Store(current);
                sums1.Store(current + 16);
                sums2.Store(current + 32);
                sums3.Store(current + 48);
                continue;
            }

            // 8 of each 16 columns, and of the 16 that are 32 on, as the unpacking left them.
            byte* halves = scales.Halves + (2 * column);
            Sse.Prefetch0(scales.Ahead + (2 * column));
            Sse.Prefetch0(scales.Ahead + (2 * column) + 64);
            Add(sums0.GetLower(), sums2.GetLower(), halves, step, y + column);
            Add(sums1.GetLower(), sums3.GetLower(), halves + 32, step, y + column + 16);
            Add(sums0.GetUpper(), sums2.GetUpper(), halves + 64, step, y + column + 32);
            Add(sums1.GetUpper(), sums3.GetUpper(), halves + 96, step, y + column + 48);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector128<short> first, Vector128<short> second, byte* halves, Vector256<float> step, float* y) =>
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(first), Avx2.ConvertToVector256Int32(second), halves, step, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Lower(Vector256<byte> pairs, Vector256<sbyte> h, Vector256<byte> nibble) =>
        Avx2.MultiplyAddAdjacent(pairs & nibble, h);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Upper(Vector256<byte> pairs, Vector256<sbyte> h, Vector256<byte> nibble) =>
        Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & nibble, h);
}
