using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>The register tiles. Where rows or tokens run out, a tile repeats the last one; nobody reads what that gives.</content>
public static partial class MatrixMatrix
{
    /// <summary>Distance between the partial sums of two tokens.</summary>
    private const int TokenSums = RowGroup * Lanes;

    /// <summary>Adds a block of columns to the partial sums, 3 rows by 2 tokens at a time: 12 of 16 vectors of 8 lanes.</summary>
    private static void Add3x2(
        ref float rows, int groupRows, int columns, ref float x, int xStride, int tokens, ref float sums, bool first)
    {
        int lastRow = groupRows - 1;
        for (int token = 0; token < tokens; token += 2)
        {
            ref float x0 = ref Unsafe.Add(ref x, (nint)token * xStride);
            ref float x1 = ref Unsafe.Add(ref x, (nint)Math.Min(token + 1, tokens - 1) * xStride);
            for (int row = 0; row < groupRows; row += 3)
            {
                ref float w0 = ref Unsafe.Add(ref rows, row * columns);
                ref float w1 = ref Unsafe.Add(ref rows, Math.Min(row + 1, lastRow) * columns);
                ref float w2 = ref Unsafe.Add(ref rows, Math.Min(row + 2, lastRow) * columns);
                ref float tileSums = ref Unsafe.Add(ref sums, (token * TokenSums) + (row * Lanes));
                Tile3x2(ref w0, ref w1, ref w2, ref x0, ref x1, columns, ref tileSums, first);
            }
        }
    }

    /// <summary>Adds a block of columns to the partial sums, 4 rows by 4 tokens at a time: 16 of 32 vectors of 16 lanes.</summary>
    private static void Add4x4(
        ref float rows, int groupRows, int columns, ref float x, int xStride, int tokens, ref float sums, bool first)
    {
        int lastRow = groupRows - 1;
        int lastToken = tokens - 1;
        for (int token = 0; token < tokens; token += 4)
        {
            ref float x0 = ref Unsafe.Add(ref x, (nint)token * xStride);
            ref float x1 = ref Unsafe.Add(ref x, (nint)Math.Min(token + 1, lastToken) * xStride);
            ref float x2 = ref Unsafe.Add(ref x, (nint)Math.Min(token + 2, lastToken) * xStride);
            ref float x3 = ref Unsafe.Add(ref x, (nint)Math.Min(token + 3, lastToken) * xStride);
            for (int row = 0; row < groupRows; row += 4)
            {
                ref float w0 = ref Unsafe.Add(ref rows, row * columns);
                ref float w1 = ref Unsafe.Add(ref rows, Math.Min(row + 1, lastRow) * columns);
                ref float w2 = ref Unsafe.Add(ref rows, Math.Min(row + 2, lastRow) * columns);
                ref float w3 = ref Unsafe.Add(ref rows, Math.Min(row + 3, lastRow) * columns);
                ref float tileSums = ref Unsafe.Add(ref sums, (token * TokenSums) + (row * Lanes));
                Tile4x4(ref w0, ref w1, ref w2, ref w3, ref x0, ref x1, ref x2, ref x3, columns, ref tileSums, first);
            }
        }
    }

    /// <summary>
    /// Halves of vectors rather than whole ones: lower halves first, then upper ones, so that only half of a row is in registers beside the
    /// twelve sums. Whole vectors spill two sums, which makes their chains pass through memory: a third of the speed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile3x2(
        ref float w0, ref float w1, ref float w2, ref float x0, ref float x1, int columns, ref float sums, bool first)
    {
        Vector256<float> lower00 = default, upper00 = default, lower10 = default, upper10 = default, lower20 = default, upper20 = default;
        Vector256<float> lower01 = default, upper01 = default, lower11 = default, upper11 = default, lower21 = default, upper21 = default;
        if (!first)
        {
            lower00 = Vector256.LoadUnsafe(ref sums);
            upper00 = Vector256.LoadUnsafe(ref sums, 8);
            lower10 = Vector256.LoadUnsafe(ref sums, Lanes);
            upper10 = Vector256.LoadUnsafe(ref sums, Lanes + 8);
            lower20 = Vector256.LoadUnsafe(ref sums, 2 * Lanes);
            upper20 = Vector256.LoadUnsafe(ref sums, (2 * Lanes) + 8);
            lower01 = Vector256.LoadUnsafe(ref sums, TokenSums);
            upper01 = Vector256.LoadUnsafe(ref sums, TokenSums + 8);
            lower11 = Vector256.LoadUnsafe(ref sums, TokenSums + Lanes);
            upper11 = Vector256.LoadUnsafe(ref sums, TokenSums + Lanes + 8);
            lower21 = Vector256.LoadUnsafe(ref sums, TokenSums + (2 * Lanes));
            upper21 = Vector256.LoadUnsafe(ref sums, TokenSums + (2 * Lanes) + 8);
        }
        for (nuint i = 0; i < (nuint)columns; i += Lanes)
        {
            Vector256<float> a = Vector256.LoadUnsafe(ref x0, i);
            Vector256<float> b = Vector256.LoadUnsafe(ref x1, i);
            Vector256<float> row = Vector256.LoadUnsafe(ref w0, i);
            lower00 = Vector256.FusedMultiplyAdd(a, row, lower00);
            lower01 = Vector256.FusedMultiplyAdd(b, row, lower01);
            row = Vector256.LoadUnsafe(ref w1, i);
            lower10 = Vector256.FusedMultiplyAdd(a, row, lower10);
            lower11 = Vector256.FusedMultiplyAdd(b, row, lower11);
            row = Vector256.LoadUnsafe(ref w2, i);
            lower20 = Vector256.FusedMultiplyAdd(a, row, lower20);
            lower21 = Vector256.FusedMultiplyAdd(b, row, lower21);

            a = Vector256.LoadUnsafe(ref x0, i + 8);
            b = Vector256.LoadUnsafe(ref x1, i + 8);
            row = Vector256.LoadUnsafe(ref w0, i + 8);
            upper00 = Vector256.FusedMultiplyAdd(a, row, upper00);
            upper01 = Vector256.FusedMultiplyAdd(b, row, upper01);
            row = Vector256.LoadUnsafe(ref w1, i + 8);
            upper10 = Vector256.FusedMultiplyAdd(a, row, upper10);
            upper11 = Vector256.FusedMultiplyAdd(b, row, upper11);
            row = Vector256.LoadUnsafe(ref w2, i + 8);
            upper20 = Vector256.FusedMultiplyAdd(a, row, upper20);
            upper21 = Vector256.FusedMultiplyAdd(b, row, upper21);
        }
        lower00.StoreUnsafe(ref sums);
        upper00.StoreUnsafe(ref sums, 8);
        lower10.StoreUnsafe(ref sums, Lanes);
        upper10.StoreUnsafe(ref sums, Lanes + 8);
        lower20.StoreUnsafe(ref sums, 2 * Lanes);
        upper20.StoreUnsafe(ref sums, (2 * Lanes) + 8);
        lower01.StoreUnsafe(ref sums, TokenSums);
        upper01.StoreUnsafe(ref sums, TokenSums + 8);
        lower11.StoreUnsafe(ref sums, TokenSums + Lanes);
        upper11.StoreUnsafe(ref sums, TokenSums + Lanes + 8);
        lower21.StoreUnsafe(ref sums, TokenSums + (2 * Lanes));
        upper21.StoreUnsafe(ref sums, TokenSums + (2 * Lanes) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x4(
        ref float w0,
        ref float w1,
        ref float w2,
        ref float w3,
        ref float x0,
        ref float x1,
        ref float x2,
        ref float x3,
        int columns,
        ref float sums,
        bool first)
    {
        Vector512<float> sum00 = default, sum10 = default, sum20 = default, sum30 = default;
        Vector512<float> sum01 = default, sum11 = default, sum21 = default, sum31 = default;
        Vector512<float> sum02 = default, sum12 = default, sum22 = default, sum32 = default;
        Vector512<float> sum03 = default, sum13 = default, sum23 = default, sum33 = default;
        if (!first)
        {
            sum00 = Vector512.LoadUnsafe(ref sums);
            sum10 = Vector512.LoadUnsafe(ref sums, Lanes);
            sum20 = Vector512.LoadUnsafe(ref sums, 2 * Lanes);
            sum30 = Vector512.LoadUnsafe(ref sums, 3 * Lanes);
            sum01 = Vector512.LoadUnsafe(ref sums, TokenSums);
            sum11 = Vector512.LoadUnsafe(ref sums, TokenSums + Lanes);
            sum21 = Vector512.LoadUnsafe(ref sums, TokenSums + (2 * Lanes));
            sum31 = Vector512.LoadUnsafe(ref sums, TokenSums + (3 * Lanes));
            sum02 = Vector512.LoadUnsafe(ref sums, 2 * TokenSums);
            sum12 = Vector512.LoadUnsafe(ref sums, (2 * TokenSums) + Lanes);
            sum22 = Vector512.LoadUnsafe(ref sums, (2 * TokenSums) + (2 * Lanes));
            sum32 = Vector512.LoadUnsafe(ref sums, (2 * TokenSums) + (3 * Lanes));
            sum03 = Vector512.LoadUnsafe(ref sums, 3 * TokenSums);
            sum13 = Vector512.LoadUnsafe(ref sums, (3 * TokenSums) + Lanes);
            sum23 = Vector512.LoadUnsafe(ref sums, (3 * TokenSums) + (2 * Lanes));
            sum33 = Vector512.LoadUnsafe(ref sums, (3 * TokenSums) + (3 * Lanes));
        }
        for (nuint i = 0; i < (nuint)columns; i += Lanes)
        {
            Vector512<float> a = Vector512.LoadUnsafe(ref x0, i);
            Vector512<float> b = Vector512.LoadUnsafe(ref x1, i);
            Vector512<float> c = Vector512.LoadUnsafe(ref x2, i);
            Vector512<float> d = Vector512.LoadUnsafe(ref x3, i);
            Vector512<float> row = Vector512.LoadUnsafe(ref w0, i);
            sum00 = Vector512.FusedMultiplyAdd(a, row, sum00);
            sum01 = Vector512.FusedMultiplyAdd(b, row, sum01);
            sum02 = Vector512.FusedMultiplyAdd(c, row, sum02);
            sum03 = Vector512.FusedMultiplyAdd(d, row, sum03);
            row = Vector512.LoadUnsafe(ref w1, i);
            sum10 = Vector512.FusedMultiplyAdd(a, row, sum10);
            sum11 = Vector512.FusedMultiplyAdd(b, row, sum11);
            sum12 = Vector512.FusedMultiplyAdd(c, row, sum12);
            sum13 = Vector512.FusedMultiplyAdd(d, row, sum13);
            row = Vector512.LoadUnsafe(ref w2, i);
            sum20 = Vector512.FusedMultiplyAdd(a, row, sum20);
            sum21 = Vector512.FusedMultiplyAdd(b, row, sum21);
            sum22 = Vector512.FusedMultiplyAdd(c, row, sum22);
            sum23 = Vector512.FusedMultiplyAdd(d, row, sum23);
            row = Vector512.LoadUnsafe(ref w3, i);
            sum30 = Vector512.FusedMultiplyAdd(a, row, sum30);
            sum31 = Vector512.FusedMultiplyAdd(b, row, sum31);
            sum32 = Vector512.FusedMultiplyAdd(c, row, sum32);
            sum33 = Vector512.FusedMultiplyAdd(d, row, sum33);
        }
        sum00.StoreUnsafe(ref sums);
        sum10.StoreUnsafe(ref sums, Lanes);
        sum20.StoreUnsafe(ref sums, 2 * Lanes);
        sum30.StoreUnsafe(ref sums, 3 * Lanes);
        sum01.StoreUnsafe(ref sums, TokenSums);
        sum11.StoreUnsafe(ref sums, TokenSums + Lanes);
        sum21.StoreUnsafe(ref sums, TokenSums + (2 * Lanes));
        sum31.StoreUnsafe(ref sums, TokenSums + (3 * Lanes));
        sum02.StoreUnsafe(ref sums, 2 * TokenSums);
        sum12.StoreUnsafe(ref sums, (2 * TokenSums) + Lanes);
        sum22.StoreUnsafe(ref sums, (2 * TokenSums) + (2 * Lanes));
        sum32.StoreUnsafe(ref sums, (2 * TokenSums) + (3 * Lanes));
        sum03.StoreUnsafe(ref sums, 3 * TokenSums);
        sum13.StoreUnsafe(ref sums, (3 * TokenSums) + Lanes);
        sum23.StoreUnsafe(ref sums, (3 * TokenSums) + (2 * Lanes));
        sum33.StoreUnsafe(ref sums, (3 * TokenSums) + (3 * Lanes));
    }
}
