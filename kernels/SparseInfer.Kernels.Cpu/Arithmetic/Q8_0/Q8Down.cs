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

    public static nint RowBytes(int column) => column;

    public static int Quant(ref byte row, int column) => (sbyte)Unsafe.Add(ref row, column);

    /// <summary>16 bits each.</summary>
    public static int Pair(short first, short second) => (ushort)first | (second << 16);

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
        const int Half = 32;
        int columns = TLine.IsFull ? 2 * Half : Half;
        Vector256<float> step = Vector256.Create(scales.FoldedStep);
        for (nint column = fromColumn; column < toColumn; column += columns)
        {
            byte* next = ahead.Next(column, columns, out byte* end);
            Vector256<int> a0 = default, a1 = default, a2 = default, a3 = default;
            Vector256<int> b0 = default, b1 = default, b2 = default, b3 = default;
            for (int pair = 0; pair < count; pair++)
            {
                if (next < end)
                {
                    Sse.Prefetch0(next);
                    Sse.Prefetch0(next + 64);
                    next += 128;
                }

                sbyte* first = (sbyte*)rows[2 * pair] + column;
                sbyte* second = (sbyte*)rows[(2 * pair) + 1] + column;
                Vector256<short> h = Vector256.Create(pairs[pair]).AsInt16();
                Vector256<short> r = Avx2.ConvertToVector256Int16(first);
                Vector256<short> s = Avx2.ConvertToVector256Int16(second);
                a0 += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(r, s), h);
                a1 += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(r, s), h);
                r = Avx2.ConvertToVector256Int16(first + 16);
                s = Avx2.ConvertToVector256Int16(second + 16);
                a2 += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(r, s), h);
                a3 += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(r, s), h);
                if (TLine.IsFull)
                {
                    r = Avx2.ConvertToVector256Int16(first + 32);
                    s = Avx2.ConvertToVector256Int16(second + 32);
                    b0 += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(r, s), h);
                    b1 += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(r, s), h);
                    r = Avx2.ConvertToVector256Int16(first + 48);
                    s = Avx2.ConvertToVector256Int16(second + 48);
                    b2 += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(r, s), h);
                    b3 += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(r, s), h);
                }
            }

            for (; next < end; next += 64)
            {
                Sse.Prefetch0(next);
            }

            byte* halves = scales.Halves + (2 * column);
            Add(a0, a1, halves, step, y + column);
            Add(a2, a3, halves + 32, step, y + column + 16);
            if (TLine.IsFull)
            {
                Add(b0, b1, halves + 64, step, y + column + 32);
                Add(b2, b3, halves + 96, step, y + column + 48);
            }
        }
    }

    /// <summary>16 columns: 0-3 and 8-11, then 4-7 and 12-15, as the unpacking left them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> low, Vector256<int> high, byte* halves, Vector256<float> step, float* y)
    {
        BlockDown.BlockScales.Add(Avx2.Permute2x128(low, high, 0x20), halves, step, y);
        BlockDown.BlockScales.Add(Avx2.Permute2x128(low, high, 0x31), halves + 16, step, y + 8);
    }
}
