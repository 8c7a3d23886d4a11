using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>The register tiles. Where rows or tokens run out, a tile repeats the last one; nobody reads what that gives.</content>
public static partial class MatrixMatrix
{
    /// <summary>Distance between the partial sums of two tokens.</summary>
    private const int TokenSums = RowGroup * Lanes;

    /// <summary>Adds a block of columns to the partial sums, 3 rows by 2 tokens at a time: 12 of 16 vectors of 8 lanes.</summary>
    private static void AddColumns3x2<T>(
        in WeightMatrix w,
        int row,
        int groupRows,
        int column,
        int columns,
        ref float x,
        int xStride,
        int tokens,
        ref float rows,
        ref float sums)
        where T : IWeightFormat
    {
        for (int tile = 0; tile < groupRows; tile += 3)
        {
            int last = row + groupRows - 1;
            ref float w0 = ref Panel<T>(ref w.Row(row + tile), column, columns, ref rows, 0);
            ref float w1 = ref Panel<T>(ref w.Row(Math.Min(row + tile + 1, last)), column, columns, ref rows, 1);
            ref float w2 = ref Panel<T>(ref w.Row(Math.Min(row + tile + 2, last)), column, columns, ref rows, 2);
            for (int token = 0; token < tokens; token += 2)
            {
                ref float x0 = ref Unsafe.Add(ref x, ((nint)token * xStride) + column);
                ref float x1 = ref Unsafe.Add(ref x, ((nint)Math.Min(token + 1, tokens - 1) * xStride) + column);
                ref float sum = ref Unsafe.Add(ref sums, ((token * RowGroup) + tile) * Lanes);
                Tile3x2(ref w0, ref w1, ref w2, ref x0, ref x1, columns, ref sum, ref Unsafe.Add(ref sum, TokenSums), column == 0);
            }
        }
    }

    /// <summary>Adds a block of columns to the partial sums, 4 rows by 4 tokens at a time: 16 of 32 vectors of 16 lanes.</summary>
    private static void AddColumns4x4<T>(
        in WeightMatrix w,
        int row,
        int groupRows,
        int column,
        int columns,
        ref float x,
        int xStride,
        int tokens,
        ref float rows,
        ref float sums)
        where T : IWeightFormat
    {
        for (int tile = 0; tile < groupRows; tile += 4)
        {
            int last = row + groupRows - 1;
            ref float w0 = ref Panel<T>(ref w.Row(row + tile), column, columns, ref rows, 0);
            ref float w1 = ref Panel<T>(ref w.Row(Math.Min(row + tile + 1, last)), column, columns, ref rows, 1);
            ref float w2 = ref Panel<T>(ref w.Row(Math.Min(row + tile + 2, last)), column, columns, ref rows, 2);
            ref float w3 = ref Panel<T>(ref w.Row(Math.Min(row + tile + 3, last)), column, columns, ref rows, 3);
            for (int token = 0; token < tokens; token += 4)
            {
                int lastToken = tokens - 1;
                ref float x0 = ref Unsafe.Add(ref x, ((nint)token * xStride) + column);
                ref float x1 = ref Unsafe.Add(ref x, ((nint)Math.Min(token + 1, lastToken) * xStride) + column);
                ref float x2 = ref Unsafe.Add(ref x, ((nint)Math.Min(token + 2, lastToken) * xStride) + column);
                ref float x3 = ref Unsafe.Add(ref x, ((nint)Math.Min(token + 3, lastToken) * xStride) + column);
                ref float sum = ref Unsafe.Add(ref sums, ((token * RowGroup) + tile) * Lanes);
                Tile4x4(ref w0, ref w1, ref w2, ref w3, ref x0, ref x1, ref x2, ref x3, columns, ref sum, column == 0);
            }
        }
    }

    private static void Tile3x2(
        ref float w0, ref float w1, ref float w2, ref float x0, ref float x1, int columns, ref float sums0, ref float sums1, bool first)
    {
        Vector512<float> sum00 = default, sum10 = default, sum20 = default, sum01 = default, sum11 = default, sum21 = default;
        if (!first)
        {
            sum00 = Vector512.LoadUnsafe(ref sums0);
            sum10 = Vector512.LoadUnsafe(ref sums0, Lanes);
            sum20 = Vector512.LoadUnsafe(ref sums0, 2 * Lanes);
            sum01 = Vector512.LoadUnsafe(ref sums1);
            sum11 = Vector512.LoadUnsafe(ref sums1, Lanes);
            sum21 = Vector512.LoadUnsafe(ref sums1, 2 * Lanes);
        }
        for (nuint i = 0; i < (nuint)columns; i += Lanes)
        {
            Vector512<float> a = Vector512.LoadUnsafe(ref x0, i);
            Vector512<float> b = Vector512.LoadUnsafe(ref x1, i);
            Vector512<float> row = Vector512.LoadUnsafe(ref w0, i);
            sum00 = Vector512.FusedMultiplyAdd(a, row, sum00);
            sum01 = Vector512.FusedMultiplyAdd(b, row, sum01);
            row = Vector512.LoadUnsafe(ref w1, i);
            sum10 = Vector512.FusedMultiplyAdd(a, row, sum10);
            sum11 = Vector512.FusedMultiplyAdd(b, row, sum11);
            row = Vector512.LoadUnsafe(ref w2, i);
            sum20 = Vector512.FusedMultiplyAdd(a, row, sum20);
            sum21 = Vector512.FusedMultiplyAdd(b, row, sum21);
        }
        sum00.StoreUnsafe(ref sums0);
        sum10.StoreUnsafe(ref sums0, Lanes);
        sum20.StoreUnsafe(ref sums0, 2 * Lanes);
        sum01.StoreUnsafe(ref sums1);
        sum11.StoreUnsafe(ref sums1, Lanes);
        sum21.StoreUnsafe(ref sums1, 2 * Lanes);
    }

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
