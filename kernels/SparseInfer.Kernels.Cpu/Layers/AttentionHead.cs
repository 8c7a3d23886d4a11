using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Attention of one query head over the positions cached so far.</summary>
public static class AttentionHead
{
    private const int Lanes = 16;

    /// <summary>Positions whose values are added in one go, and fetched ahead: 8 KiB of 128 columns.</summary>
    private const int PositionBlock = 16;

    /// <summary>
    /// <c>output = Σ softmax(scale * q · keys[p]) * values[p]</c>, positions in ascending order, the largest score subtracted before
    /// the exponential.
    /// </summary>
    /// <param name="q">The query.</param>
    /// <param name="keys">The head's key at position 0.</param>
    /// <param name="values">The head's value at position 0.</param>
    /// <param name="positions">Number of positions attended to; at least 1.</param>
    /// <param name="headDimension">Length of the query, of a key and of a value; any.</param>
    /// <param name="rowStride">Distance between positions in keys and in values, in elements.</param>
    /// <param name="scale">Factor of the scores, usually <c>1 / √headDimension</c>.</param>
    /// <param name="scores">Scratch of at least as many elements as positions.</param>
    /// <param name="output">The result, as long as the query; must not overlap it.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void Apply(
        ref float q,
        ref float keys,
        ref float values,
        int positions,
        int headDimension,
        int rowStride,
        float scale,
        Span<float> scores,
        ref float output)
    {
        if (scores.Length < positions)
        {
            throw new ArgumentException($"Scratch for {scores.Length} scores of {positions} positions.", nameof(scores));
        }

        scores = scores[..positions];
        Score(ref q, ref keys, headDimension, rowStride, scale, scores);
        float sum = Exponentiate(scores);
        Combine(ref values, headDimension, rowStride, scores, 1 / sum, ref output);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(ref float q, ref float keys, int headDimension, int rowStride, float scale, Span<float> scores)
    {
        int position = 0;
        for (; position <= scores.Length - 4; position += 4)
        {
            ref float k0 = ref Unsafe.Add(ref keys, (nint)position * rowStride);
            ref float k1 = ref Unsafe.Add(ref k0, rowStride);
            ref float k2 = ref Unsafe.Add(ref k1, rowStride);
            ref float k3 = ref Unsafe.Add(ref k2, rowStride);
            Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            int i = 0;
            for (; i <= headDimension - Lanes; i += Lanes)
            {
                FetchAhead(ref k0, i, rowStride, 4);
                FetchAhead(ref k1, i, rowStride, 4);
                FetchAhead(ref k2, i, rowStride, 4);
                FetchAhead(ref k3, i, rowStride, 4);
                Vector512<float> query = Vector512.LoadUnsafe(ref q, (nuint)i);
                sum0 = Vector512.FusedMultiplyAdd(query, Vector512.LoadUnsafe(ref k0, (nuint)i), sum0);
                sum1 = Vector512.FusedMultiplyAdd(query, Vector512.LoadUnsafe(ref k1, (nuint)i), sum1);
                sum2 = Vector512.FusedMultiplyAdd(query, Vector512.LoadUnsafe(ref k2, (nuint)i), sum2);
                sum3 = Vector512.FusedMultiplyAdd(query, Vector512.LoadUnsafe(ref k3, (nuint)i), sum3);
            }

            if (i < headDimension)
            {
                Vector512<float> query = LoadPart(ref q, i, headDimension);
                sum0 = Vector512.FusedMultiplyAdd(query, LoadPart(ref k0, i, headDimension), sum0);
                sum1 = Vector512.FusedMultiplyAdd(query, LoadPart(ref k1, i, headDimension), sum1);
                sum2 = Vector512.FusedMultiplyAdd(query, LoadPart(ref k2, i, headDimension), sum2);
                sum3 = Vector512.FusedMultiplyAdd(query, LoadPart(ref k3, i, headDimension), sum3);
            }

            (Reduction.Sum4(sum0, sum1, sum2, sum3) * scale).CopyTo(scores[position..]);
        }

        for (; position < scores.Length; position++)
        {
            ref float key = ref Unsafe.Add(ref keys, (nint)position * rowStride);
            Vector512<float> sum = default;
            int i = 0;
            for (; i <= headDimension - Lanes; i += Lanes)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref q, (nuint)i), Vector512.LoadUnsafe(ref key, (nuint)i), sum);
            }

            if (i < headDimension)
            {
                sum = Vector512.FusedMultiplyAdd(LoadPart(ref q, i, headDimension), LoadPart(ref key, i, headDimension), sum);
            }

            scores[position] = Reduction.Sum(sum) * scale;
        }
    }

    /// <summary>Replaces scores by e to the power of their distance from the largest, and returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentiate(Span<float> scores)
    {
        ref float score = ref MemoryMarshal.GetReference(scores);
        float largest = float.NegativeInfinity;
        foreach (float value in scores)
        {
            largest = MathF.Max(largest, value);
        }

        Vector512<float> shift = Vector512.Create(largest);
        Vector512<float> sum = Vector512<float>.Zero;
        int i = 0;
        for (; i <= scores.Length - Lanes; i += Lanes)
        {
            Vector512<float> power = Vector512.Exp(Vector512.LoadUnsafe(ref score, (nuint)i) - shift);
            power.StoreUnsafe(ref score, (nuint)i);
            sum += power;
        }

        if (i < scores.Length)
        {
            Span<float> rest = stackalloc float[Lanes];
            rest.Fill(float.NegativeInfinity);
            scores[i..].CopyTo(rest);
            Vector512<float> power = Vector512.Exp(Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(rest)) - shift);
            power.StoreUnsafe(ref MemoryMarshal.GetReference(rest));
            rest[..(scores.Length - i)].CopyTo(scores[i..]);
            sum += power;
        }

        return Reduction.Sum(sum);
    }

    /// <summary>Sums values weighted by powers, in ascending order of positions for each column, then divides by the powers' sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine(
        ref float values, int headDimension, int rowStride, ReadOnlySpan<float> powers, float inverse, ref float output)
    {
        int column = 0;
        int wide = headDimension / (4 * Lanes) * (4 * Lanes);
        MemoryMarshal.CreateSpan(ref output, wide).Clear();
        for (int first = 0; first < powers.Length; first += PositionBlock)
        {
            // A block's values come from memory once, though their columns are taken in pieces.
            ReadOnlySpan<float> block = powers.Slice(first, Math.Min(PositionBlock, powers.Length - first));
            for (column = 0; column < wide; column += 4 * Lanes)
            {
                ref float value = ref Unsafe.Add(ref values, ((nint)first * rowStride) + column);
                ref float result = ref Unsafe.Add(ref output, column);
                Vector512<float> sum0 = Vector512.LoadUnsafe(ref result);
                Vector512<float> sum1 = Vector512.LoadUnsafe(ref result, Lanes);
                Vector512<float> sum2 = Vector512.LoadUnsafe(ref result, 2 * Lanes);
                Vector512<float> sum3 = Vector512.LoadUnsafe(ref result, 3 * Lanes);
                foreach (float power in block)
                {
                    FetchAhead(ref value, 0, rowStride, PositionBlock);
                    FetchAhead(ref value, Lanes, rowStride, PositionBlock);
                    FetchAhead(ref value, 2 * Lanes, rowStride, PositionBlock);
                    FetchAhead(ref value, 3 * Lanes, rowStride, PositionBlock);
                    Vector512<float> factor = Vector512.Create(power);
                    sum0 = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref value), sum0);
                    sum1 = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref value, Lanes), sum1);
                    sum2 = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref value, 2 * Lanes), sum2);
                    sum3 = Vector512.FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref value, 3 * Lanes), sum3);
                    value = ref Unsafe.Add(ref value, rowStride);
                }

                sum0.StoreUnsafe(ref result);
                sum1.StoreUnsafe(ref result, Lanes);
                sum2.StoreUnsafe(ref result, 2 * Lanes);
                sum3.StoreUnsafe(ref result, 3 * Lanes);
            }
        }

        for (int i = 0; i < wide; i += Lanes)
        {
            (Vector512.LoadUnsafe(ref output, (nuint)i) * inverse).StoreUnsafe(ref output, (nuint)i);
        }

        column = wide;
        for (; column <= headDimension - Lanes; column += Lanes)
        {
            ref float value = ref Unsafe.Add(ref values, column);
            Vector512<float> sum = default;
            foreach (float power in powers)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(power), Vector512.LoadUnsafe(ref value), sum);
                value = ref Unsafe.Add(ref value, rowStride);
            }

            (sum * inverse).StoreUnsafe(ref output, (nuint)column);
        }

        for (; column < headDimension; column++)
        {
            ref float value = ref Unsafe.Add(ref values, column);
            float sum = 0;
            foreach (float power in powers)
            {
                sum = MathF.FusedMultiplyAdd(power, value, sum);
                value = ref Unsafe.Add(ref value, rowStride);
            }

            Unsafe.Add(ref output, column) = sum * inverse;
        }
    }

    /// <summary>
    /// The line of a position to come. Positions follow one another, but keys are used in fours and values in pieces.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void FetchAhead(ref float row, int element, int rowStride, int positions) =>
        Prefetch.Line((byte*)Unsafe.AsPointer(ref Unsafe.Add(ref row, ((nint)positions * rowStride) + element)));

    /// <summary>The last elements of a row whose length is no multiple of 16, zeros after them; nothing beyond the row is read.</summary>
    private static Vector512<float> LoadPart(ref float row, int from, int length)
    {
        Span<float> part = stackalloc float[Lanes];
        part.Clear();
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref row, from), length - from).CopyTo(part);
        return Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(part));
    }
}
