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

    public static int LineColumns => 128;

    public static nint RowBytes(int column) => column / 2;

    public static int Quant(ref byte row, int column) =>
        ((Unsafe.Add(ref row, (column / 32 * 16) + (column % 16)) >> (column % 32 / 16 * 4)) & 15) - 8;

    /// <summary>Bytes: first, second, and both again.</summary>
    public static int Pair(short first, short second) => ((byte)first | ((byte)second << 8)) * 0x10001;

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
        const int Half = 64;
        int columns = TLine.IsFull ? 2 * Half : Half;
        Vector256<byte> nibble = Vector256.Create((byte)15);
        Vector256<float> step = Vector256.Create(scales.FoldedStep);
        for (nint column = fromColumn; column < toColumn; column += columns)
        {
            byte* next = ahead.Next(column, columns, out byte* end);
            nint at = column / 2;
            Vector256<short> start = Vector256.Create((short)(-8 * scales.Sum));
            Vector256<short> a0 = start, a1 = start, a2 = start, a3 = start;
            Vector256<short> b0 = start, b1 = start, b2 = start, b3 = start;
            for (int pair = 0; pair < count; pair++)
            {
                if (next < end)
                {
                    Sse.Prefetch0(next);
                    Sse.Prefetch0(next + 64);
                    next += 128;
                }

                byte* first = rows[2 * pair] + at;
                byte* second = rows[(2 * pair) + 1] + at;
                Vector256<sbyte> h = Vector256.Create(pairs[pair]).AsSByte();
                Vector256<byte> r = Vector256.Load(first);
                Vector256<byte> s = Vector256.Load(second);
                Vector256<byte> both = Avx2.UnpackLow(r, s);
                a0 += Avx2.MultiplyAddAdjacent(both & nibble, h);
                a1 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble, h);
                both = Avx2.UnpackHigh(r, s);
                a2 += Avx2.MultiplyAddAdjacent(both & nibble, h);
                a3 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble, h);
                if (TLine.IsFull)
                {
                    r = Vector256.Load(first + 32);
                    s = Vector256.Load(second + 32);
                    both = Avx2.UnpackLow(r, s);
                    b0 += Avx2.MultiplyAddAdjacent(both & nibble, h);
                    b1 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble, h);
                    both = Avx2.UnpackHigh(r, s);
                    b2 += Avx2.MultiplyAddAdjacent(both & nibble, h);
                    b3 += Avx2.MultiplyAddAdjacent(Avx2.ShiftRightLogical(both.AsUInt16(), 4).AsByte() & nibble, h);
                }
            }

            for (; next < end; next += 64)
            {
                Sse.Prefetch0(next);
            }

            byte* halves = scales.Halves + (2 * column);
            Add(a0, a1, a2, a3, halves, step, y + column);
            if (TLine.IsFull)
            {
                Add(b0, b1, b2, b3, halves + (2 * Half), step, y + column + Half);
            }
        }
    }

    /// <summary>64 columns: each vector has 8 of 16, and of the 16 that are 32 on, as the unpacking left them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        Vector256<short> sums0,
        Vector256<short> sums1,
        Vector256<short> sums2,
        Vector256<short> sums3,
        byte* halves,
        Vector256<float> step,
        float* y)
    {
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums0.GetLower()), halves, step, y);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums2.GetLower()), halves + 16, step, y + 8);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums1.GetLower()), halves + 32, step, y + 16);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums3.GetLower()), halves + 48, step, y + 24);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums0.GetUpper()), halves + 64, step, y + 32);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums2.GetUpper()), halves + 80, step, y + 40);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums1.GetUpper()), halves + 96, step, y + 48);
        BlockDown.BlockScales.Add(Avx2.ConvertToVector256Int32(sums3.GetUpper()), halves + 112, step, y + 56);
    }
}
