using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>The register tiles. Where rows or tokens run out, a tile repeats the last one; nobody reads what that gives.</content>
public static partial class MatrixMatrix
{
    /// <summary>
    /// Adds a panel of rows times a block of columns to y, 4 rows by 3 tokens at a time: 12 of 16 vectors of 8 lanes. First the lower halves
    /// of all 16 lanes, then the upper: seven loads serve twelve multiply-adds, where whole lanes of fewer tokens would need ten.
    /// </summary>
    private static void Add4x3(
        ref float rows, int groupRows, int columns, ref float x, int tokens, ref float sums, ref float y, int yStride, bool first, PanelAhead ahead)
    {
        int lastRow = groupRows - 1;
        int lastToken = tokens - 1;
        for (int token = 0; token < tokens; token += 3)
        {
            ahead.Fetch(3, tokens);
            ref float x0 = ref Unsafe.Add(ref x, token * columns);
            ref float x1 = ref Unsafe.Add(ref x, Math.Min(token + 1, lastToken) * columns);
            ref float x2 = ref Unsafe.Add(ref x, Math.Min(token + 2, lastToken) * columns);
            for (int row = 0; row < groupRows; row += 4)
            {
                ref float w0 = ref Unsafe.Add(ref rows, row * columns);
                ref float w1 = ref Unsafe.Add(ref rows, Math.Min(row + 1, lastRow) * columns);
                ref float w2 = ref Unsafe.Add(ref rows, Math.Min(row + 2, lastRow) * columns);
                ref float w3 = ref Unsafe.Add(ref rows, Math.Min(row + 3, lastRow) * columns);
                LowerTile4x3(ref w0, ref w1, ref w2, ref w3, ref x0, ref x1, ref x2, columns, ref sums);
                UpperTile4x3(
                    ref Unsafe.Add(ref w0, 8), ref Unsafe.Add(ref w1, 8), ref Unsafe.Add(ref w2, 8), ref Unsafe.Add(ref w3, 8),
                    ref Unsafe.Add(ref x0, 8), ref Unsafe.Add(ref x1, 8), ref Unsafe.Add(ref x2, 8), columns, ref sums,
                    out Vector128<float> dots0, out Vector128<float> dots1, out Vector128<float> dots2);
                ref float result = ref Unsafe.Add(ref y, ((nint)token * yStride) + row);
                int count = groupRows - row;
                AddDots(dots0, ref result, count, first);
                if (token + 1 < tokens)
                    AddDots(dots1, ref Unsafe.Add(ref result, yStride), count, first);
                if (token + 2 < tokens)
                    AddDots(dots2, ref Unsafe.Add(ref result, 2 * (nint)yStride), count, first);
            }
        }
    }

    /// <summary>As <see cref="Add4x3"/>, 4 rows by 4 tokens: 16 of 32 vectors of 16 lanes.</summary>
    private static void Add4x4(
        ref float rows, int groupRows, int columns, ref float x, int tokens, ref float sums, ref float y, int yStride, bool first, PanelAhead ahead)
    {
        int lastRow = groupRows - 1;
        int lastToken = tokens - 1;
        for (int token = 0; token < tokens; token += 4)
        {
            ahead.Fetch(4, tokens);
            ref float x0 = ref Unsafe.Add(ref x, token * columns);
            ref float x1 = ref Unsafe.Add(ref x, Math.Min(token + 1, lastToken) * columns);
            ref float x2 = ref Unsafe.Add(ref x, Math.Min(token + 2, lastToken) * columns);
            ref float x3 = ref Unsafe.Add(ref x, Math.Min(token + 3, lastToken) * columns);
            for (int row = 0; row < groupRows; row += 4)
            {
                ref float w0 = ref Unsafe.Add(ref rows, row * columns);
                ref float w1 = ref Unsafe.Add(ref rows, Math.Min(row + 1, lastRow) * columns);
                ref float w2 = ref Unsafe.Add(ref rows, Math.Min(row + 2, lastRow) * columns);
                ref float w3 = ref Unsafe.Add(ref rows, Math.Min(row + 3, lastRow) * columns);
                Tile4x4(ref w0, ref w1, ref w2, ref w3, ref x0, ref x1, ref x2, ref x3, columns, ref sums);
                for (int t = 0; t < Math.Min(4, tokens - token); t++)
                {
                    ref float result = ref Unsafe.Add(ref y, ((nint)(token + t) * yStride) + row);
                    AddDots(Vector128.LoadUnsafe(ref sums, (nuint)(4 * t)), ref result, groupRows - row, first);
                }
            }
        }
    }

    /// <summary>Adds four rows' products to what the columns before gave, or to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddDots(Vector128<float> dots, ref float result, int rows, bool first)
    {
        if (rows >= 4)
        {
            ((first ? Vector128<float>.Zero : Vector128.LoadUnsafe(ref result)) + dots).StoreUnsafe(ref result);
            return;
        }
        for (int row = 0; row < rows; row++)
            Unsafe.Add(ref result, row) = (first ? 0 : Unsafe.Add(ref result, row)) + dots.GetElement(row);
    }

    /// <summary>
    /// The lower half of the lanes of 4 rows by 3 tokens, every second vector of 8, into <paramref name="sums"/>. sumRT is of row R and token T.
    /// The tokens are in registers beside the twelve sums; rows are multiplied as they come.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LowerTile4x3(
        ref float w0, ref float w1, ref float w2, ref float w3, ref float x0, ref float x1, ref float x2, int columns, ref float sums)
    {
        Vector256<float> sum00 = default, sum10 = default, sum20 = default, sum30 = default;
        Vector256<float> sum01 = default, sum11 = default, sum21 = default, sum31 = default;
        Vector256<float> sum02 = default, sum12 = default, sum22 = default, sum32 = default;
        for (nuint i = 0; i < (nuint)columns; i += Lanes)
        {
            Vector256<float> a = Vector256.LoadUnsafe(ref x0, i);
            Vector256<float> b = Vector256.LoadUnsafe(ref x1, i);
            Vector256<float> c = Vector256.LoadUnsafe(ref x2, i);
            Vector256<float> row = Vector256.LoadUnsafe(ref w0, i);
            sum00 = Vector256.FusedMultiplyAdd(a, row, sum00);
            sum01 = Vector256.FusedMultiplyAdd(b, row, sum01);
            sum02 = Vector256.FusedMultiplyAdd(c, row, sum02);
            row = Vector256.LoadUnsafe(ref w1, i);
            sum10 = Vector256.FusedMultiplyAdd(a, row, sum10);
            sum11 = Vector256.FusedMultiplyAdd(b, row, sum11);
            sum12 = Vector256.FusedMultiplyAdd(c, row, sum12);
            row = Vector256.LoadUnsafe(ref w2, i);
            sum20 = Vector256.FusedMultiplyAdd(a, row, sum20);
            sum21 = Vector256.FusedMultiplyAdd(b, row, sum21);
            sum22 = Vector256.FusedMultiplyAdd(c, row, sum22);
            row = Vector256.LoadUnsafe(ref w3, i);
            sum30 = Vector256.FusedMultiplyAdd(a, row, sum30);
            sum31 = Vector256.FusedMultiplyAdd(b, row, sum31);
            sum32 = Vector256.FusedMultiplyAdd(c, row, sum32);
        }
        sum00.StoreUnsafe(ref sums);
        sum10.StoreUnsafe(ref sums, 8);
        sum20.StoreUnsafe(ref sums, 16);
        sum30.StoreUnsafe(ref sums, 24);
        sum01.StoreUnsafe(ref sums, 32);
        sum11.StoreUnsafe(ref sums, 40);
        sum21.StoreUnsafe(ref sums, 48);
        sum31.StoreUnsafe(ref sums, 56);
        sum02.StoreUnsafe(ref sums, 64);
        sum12.StoreUnsafe(ref sums, 72);
        sum22.StoreUnsafe(ref sums, 80);
        sum32.StoreUnsafe(ref sums, 88);
    }

    /// <summary>The upper half of the lanes; with the lower half from <paramref name="sums"/>, they are summed while they are in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UpperTile4x3(
        ref float w0,
        ref float w1,
        ref float w2,
        ref float w3,
        ref float x0,
        ref float x1,
        ref float x2,
        int columns,
        ref float sums,
        out Vector128<float> dots0,
        out Vector128<float> dots1,
        out Vector128<float> dots2)
    {
        Vector256<float> sum00 = default, sum10 = default, sum20 = default, sum30 = default;
        Vector256<float> sum01 = default, sum11 = default, sum21 = default, sum31 = default;
        Vector256<float> sum02 = default, sum12 = default, sum22 = default, sum32 = default;
        for (nuint i = 0; i < (nuint)columns; i += Lanes)
        {
            Vector256<float> a = Vector256.LoadUnsafe(ref x0, i);
            Vector256<float> b = Vector256.LoadUnsafe(ref x1, i);
            Vector256<float> c = Vector256.LoadUnsafe(ref x2, i);
            Vector256<float> row = Vector256.LoadUnsafe(ref w0, i);
            sum00 = Vector256.FusedMultiplyAdd(a, row, sum00);
            sum01 = Vector256.FusedMultiplyAdd(b, row, sum01);
            sum02 = Vector256.FusedMultiplyAdd(c, row, sum02);
            row = Vector256.LoadUnsafe(ref w1, i);
            sum10 = Vector256.FusedMultiplyAdd(a, row, sum10);
            sum11 = Vector256.FusedMultiplyAdd(b, row, sum11);
            sum12 = Vector256.FusedMultiplyAdd(c, row, sum12);
            row = Vector256.LoadUnsafe(ref w2, i);
            sum20 = Vector256.FusedMultiplyAdd(a, row, sum20);
            sum21 = Vector256.FusedMultiplyAdd(b, row, sum21);
            sum22 = Vector256.FusedMultiplyAdd(c, row, sum22);
            row = Vector256.LoadUnsafe(ref w3, i);
            sum30 = Vector256.FusedMultiplyAdd(a, row, sum30);
            sum31 = Vector256.FusedMultiplyAdd(b, row, sum31);
            sum32 = Vector256.FusedMultiplyAdd(c, row, sum32);
        }
        sum00 = Vector256.LoadUnsafe(ref sums) + sum00;
        sum10 = Vector256.LoadUnsafe(ref sums, 8) + sum10;
        sum20 = Vector256.LoadUnsafe(ref sums, 16) + sum20;
        sum30 = Vector256.LoadUnsafe(ref sums, 24) + sum30;
        sum01 = Vector256.LoadUnsafe(ref sums, 32) + sum01;
        sum11 = Vector256.LoadUnsafe(ref sums, 40) + sum11;
        sum21 = Vector256.LoadUnsafe(ref sums, 48) + sum21;
        sum31 = Vector256.LoadUnsafe(ref sums, 56) + sum31;
        sum02 = Vector256.LoadUnsafe(ref sums, 64) + sum02;
        sum12 = Vector256.LoadUnsafe(ref sums, 72) + sum12;
        sum22 = Vector256.LoadUnsafe(ref sums, 80) + sum22;
        sum32 = Vector256.LoadUnsafe(ref sums, 88) + sum32;
        dots0 = Reduction.Sum4(sum00, sum10, sum20, sum30);
        dots1 = Reduction.Sum4(sum01, sum11, sum21, sum31);
        dots2 = Reduction.Sum4(sum02, sum12, sum22, sum32);
    }

    /// <summary>4 rows by 4 tokens, whole vectors of 16 lanes; four products for each token into <paramref name="sums"/>.</summary>
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
        ref float sums)
    {
        Vector512<float> sum00 = default, sum10 = default, sum20 = default, sum30 = default;
        Vector512<float> sum01 = default, sum11 = default, sum21 = default, sum31 = default;
        Vector512<float> sum02 = default, sum12 = default, sum22 = default, sum32 = default;
        Vector512<float> sum03 = default, sum13 = default, sum23 = default, sum33 = default;
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
        Reduction.Sum4(sum00, sum10, sum20, sum30).StoreUnsafe(ref sums);
        Reduction.Sum4(sum01, sum11, sum21, sum31).StoreUnsafe(ref sums, 4);
        Reduction.Sum4(sum02, sum12, sum22, sum32).StoreUnsafe(ref sums, 8);
        Reduction.Sum4(sum03, sum13, sum23, sum33).StoreUnsafe(ref sums, 12);
    }
}
