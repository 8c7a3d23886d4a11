using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>Values, weighted by the powers of their scores.</content>
public static partial class AttentionHead
{
    /// <summary>Positions whose values are added in one go, and fetched ahead: 8 KiB of 128 columns in F32.</summary>
    private const int PositionBlock = 16;

    /// <summary>Sums values weighted by powers, in ascending order of positions for each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<T>(ref byte values, ReadOnlySpan<float> powers, Span<float> sums)
        where T : struct, IKeyValueFormat
    {
        sums.Clear();
        ref float result = ref MemoryMarshal.GetReference(sums);
        nint rowBytes = T.Bytes(sums.Length);
        for (int first = 0; first < powers.Length; first += PositionBlock)
        {
            // A block's values come from memory once, though their columns are taken in pieces.
            ReadOnlySpan<float> block = powers.Slice(first, Math.Min(PositionBlock, powers.Length - first));
            ref byte rows = ref Unsafe.Add(ref values, first * rowBytes);
            int column = 0;
            for (; column <= sums.Length - (2 * Step); column += 2 * Step)
            {
                AddSixtyFour<T>(ref rows, rowBytes, column, block, ref Unsafe.Add(ref result, column));
            }

            if (column <= sums.Length - Step)
            {
                AddThirtyTwo<T>(ref rows, rowBytes, column, block, ref Unsafe.Add(ref result, column));
                column += Step;
            }

            if (column < sums.Length)
            {
                AddSixteen<T>(ref rows, rowBytes, column, block, ref Unsafe.Add(ref result, column));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSixtyFour<T>(ref byte row, nint rowBytes, int column, ReadOnlySpan<float> powers, ref float result)
        where T : struct, IKeyValueFormat
    {
        Vector512<float> sum0 = Vector512.LoadUnsafe(ref result);
        Vector512<float> sum1 = Vector512.LoadUnsafe(ref result, Lanes);
        Vector512<float> sum2 = Vector512.LoadUnsafe(ref result, 2 * Lanes);
        Vector512<float> sum3 = Vector512.LoadUnsafe(ref result, 3 * Lanes);
        foreach (float power in powers)
        {
            FetchAhead<T>(ref row, column, PositionBlock * rowBytes);
            FetchAhead<T>(ref row, column + Step, PositionBlock * rowBytes);
            Vector512<float> factor = Vector512.Create(power * T.Unfold);
            T.Load32(ref row, column, out Vector512<float> value0, out Vector512<float> value1);
            T.Load32(ref row, column + Step, out Vector512<float> value2, out Vector512<float> value3);
            sum0 = Vector512.FusedMultiplyAdd(factor, value0, sum0);
            sum1 = Vector512.FusedMultiplyAdd(factor, value1, sum1);
            sum2 = Vector512.FusedMultiplyAdd(factor, value2, sum2);
            sum3 = Vector512.FusedMultiplyAdd(factor, value3, sum3);
            row = ref Unsafe.Add(ref row, rowBytes);
        }

        sum0.StoreUnsafe(ref result);
        sum1.StoreUnsafe(ref result, Lanes);
        sum2.StoreUnsafe(ref result, 2 * Lanes);
        sum3.StoreUnsafe(ref result, 3 * Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddThirtyTwo<T>(ref byte row, nint rowBytes, int column, ReadOnlySpan<float> powers, ref float result)
        where T : struct, IKeyValueFormat
    {
        Vector512<float> sum0 = Vector512.LoadUnsafe(ref result);
        Vector512<float> sum1 = Vector512.LoadUnsafe(ref result, Lanes);
        foreach (float power in powers)
        {
            FetchAhead<T>(ref row, column, PositionBlock * rowBytes);
            Vector512<float> factor = Vector512.Create(power * T.Unfold);
            T.Load32(ref row, column, out Vector512<float> value0, out Vector512<float> value1);
            sum0 = Vector512.FusedMultiplyAdd(factor, value0, sum0);
            sum1 = Vector512.FusedMultiplyAdd(factor, value1, sum1);
            row = ref Unsafe.Add(ref row, rowBytes);
        }

        sum0.StoreUnsafe(ref result);
        sum1.StoreUnsafe(ref result, Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSixteen<T>(ref byte row, nint rowBytes, int column, ReadOnlySpan<float> powers, ref float result)
        where T : struct, IKeyValueFormat
    {
        Vector512<float> sum = Vector512.LoadUnsafe(ref result);
        foreach (float power in powers)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(power * T.Unfold), T.Load16(ref row, column), sum);
            row = ref Unsafe.Add(ref row, rowBytes);
        }

        sum.StoreUnsafe(ref result);
    }
}
