using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Attention of one query head over the positions cached so far.</summary>
public static partial class AttentionHead
{
    private const int Lanes = 16;

    /// <summary>Columns of a step through a row.</summary>
    private const int Step = 2 * Lanes;

    /// <summary>Keys that are multiplied together, and fetched ahead.</summary>
    private const int KeyBlock = 4;

    /// <summary>Floats of scratch that a head needs: its query, its sums, and the scores.</summary>
    /// <typeparam name="T">How keys and values are stored.</typeparam>
    /// <param name="positions">Most positions attended to.</param>
    /// <param name="headDimension">Length of the query, of a key and of a value.</param>
    public static int ScratchLength<T>(int positions, int headDimension)
        where T : struct, IKeyValueFormat =>
        checked((2 * T.Columns(headDimension)) + positions);

    /// <summary>
    /// <c>output = Σ softmax(scale * q · keys[p]) * values[p]</c>, positions in ascending order, the largest score subtracted before
    /// the exponential.
    /// </summary>
    /// <typeparam name="T">How keys and values are stored. What is computed with them is single precision.</typeparam>
    /// <param name="q">The query.</param>
    /// <param name="keys">The head's key at the first position; the others follow, each <see cref="IKeyValueFormat.Bytes"/> long.</param>
    /// <param name="values">The head's value at the first position; the others follow.</param>
    /// <param name="positions">Number of positions attended to; at least 1.</param>
    /// <param name="headDimension">Length of the query, of a key and of a value; any.</param>
    /// <param name="scale">Factor of the scores, usually <c>1 / √headDimension</c>.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats.</param>
    /// <param name="output">The result, as long as the query; must not overlap it.</param>
    /// <exception cref="ArgumentException">The scratch is too short.</exception>
    public static void Apply<T>(
        ref float q,
        ref byte keys,
        ref byte values,
        int positions,
        int headDimension,
        float scale,
        Span<float> scratch,
        ref float output)
        where T : struct, IKeyValueFormat
    {
        if (scratch.Length < ScratchLength<T>(positions, headDimension))
        {
            throw new ArgumentException(
                $"Scratch of {scratch.Length} floats for {positions} positions of dimension {headDimension}.", nameof(scratch));
        }

        int columns = T.Columns(headDimension);
        Span<float> query = scratch[..columns];
        Span<float> sums = scratch.Slice(columns, columns);
        Span<float> scores = scratch.Slice(2 * columns, positions);
        scale *= PrepareQuery<T>(ref q, headDimension, query);
        Score<T>(query, ref keys, scale, scores);
        float inverse = 1 / Exponentiate(scores);
        Combine<T>(ref values, scores, sums);
        Vector512<float> share = Vector512.Create(inverse);
        for (int i = 0; i < headDimension; i += Lanes)
        {
            HeadPart.Store(Vector512.LoadUnsafe(ref sums[i]) * share, ref output, i, headDimension);
        }
    }

    /// <summary>Pads the query with zeros, and multiplies it by what loaded keys lack, or by less where it is too large for that.</summary>
    /// <returns>The power of two by which scores are to be multiplied.</returns>
    private static float PrepareQuery<T>(ref float q, int headDimension, Span<float> query)
        where T : struct, IKeyValueFormat
    {
        for (int i = 0; i < query.Length; i += Lanes)
        {
            HeadPart.Load(ref q, i, headDimension).StoreUnsafe(ref query[i]);
        }

        if (T.Unfold == 1)
        {
            return 1;
        }

        float undo = InputPreparation.Excess(in query[0], query.Length, out float fold);
        for (int i = 0; i < query.Length; i += Lanes)
        {
            (Vector512.LoadUnsafe(ref query[i]) * fold).StoreUnsafe(ref query[i]);
        }

        return undo;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<T>(ReadOnlySpan<float> query, ref byte keys, float scale, Span<float> scores)
        where T : struct, IKeyValueFormat
    {
        ref float q = ref MemoryMarshal.GetReference(query);
        nint rowBytes = T.Bytes(query.Length);
        int position = 0;
        for (; position <= scores.Length - KeyBlock; position += KeyBlock)
        {
            ref byte k0 = ref Unsafe.Add(ref keys, position * rowBytes);
            ref byte k1 = ref Unsafe.Add(ref k0, rowBytes);
            ref byte k2 = ref Unsafe.Add(ref k1, rowBytes);
            ref byte k3 = ref Unsafe.Add(ref k2, rowBytes);
            Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            int i = 0;
            for (; i <= query.Length - Step; i += Step)
            {
                FetchAhead<T>(ref k0, i, KeyBlock * rowBytes);
                FetchAhead<T>(ref k1, i, KeyBlock * rowBytes);
                FetchAhead<T>(ref k2, i, KeyBlock * rowBytes);
                FetchAhead<T>(ref k3, i, KeyBlock * rowBytes);
                Vector512<float> lo = Vector512.LoadUnsafe(ref q, (nuint)i);
                Vector512<float> hi = Vector512.LoadUnsafe(ref q, (nuint)i + Lanes);
                sum0 = Add<T>(sum0, lo, hi, ref k0, i);
                sum1 = Add<T>(sum1, lo, hi, ref k1, i);
                sum2 = Add<T>(sum2, lo, hi, ref k2, i);
                sum3 = Add<T>(sum3, lo, hi, ref k3, i);
            }

            if (i < query.Length)
            {
                Vector512<float> last = Vector512.LoadUnsafe(ref q, (nuint)i);
                sum0 = Vector512.FusedMultiplyAdd(last, T.Load16(ref k0, i), sum0);
                sum1 = Vector512.FusedMultiplyAdd(last, T.Load16(ref k1, i), sum1);
                sum2 = Vector512.FusedMultiplyAdd(last, T.Load16(ref k2, i), sum2);
                sum3 = Vector512.FusedMultiplyAdd(last, T.Load16(ref k3, i), sum3);
            }

            (Reduction.Sum4(sum0, sum1, sum2, sum3) * scale).CopyTo(scores[position..]);
        }

        for (; position < scores.Length; position++)
        {
            ref byte key = ref Unsafe.Add(ref keys, position * rowBytes);
            Vector512<float> sum = default;
            int i = 0;
            for (; i <= query.Length - Step; i += Step)
            {
                sum = Add<T>(sum, Vector512.LoadUnsafe(ref q, (nuint)i), Vector512.LoadUnsafe(ref q, (nuint)i + Lanes), ref key, i);
            }

            if (i < query.Length)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref q, (nuint)i), T.Load16(ref key, i), sum);
            }

            scores[position] = Reduction.Sum(sum) * scale;
        }
    }

    /// <summary>32 products of a key and the query, in the order of their columns for each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<T>(Vector512<float> sum, Vector512<float> queryLo, Vector512<float> queryHi, ref byte key, int column)
        where T : struct, IKeyValueFormat
    {
        T.Load32(ref key, column, out Vector512<float> lo, out Vector512<float> hi);
        return Vector512.FusedMultiplyAdd(queryHi, hi, Vector512.FusedMultiplyAdd(queryLo, lo, sum));
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

    /// <summary>The lines of 32 columns of a position to come. Positions follow one another, but keys are used in fours and values in pieces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void FetchAhead<T>(ref byte row, int column, nint ahead)
        where T : struct, IKeyValueFormat
    {
        const int Line = 64;
        byte* address = (byte*)Unsafe.AsPointer(ref Unsafe.Add(ref row, T.Bytes(column) + ahead));
        Prefetch.Line(address);
        if (T.Bytes(Step) > Line)
        {
            Prefetch.Line(address + Line);
        }
    }
}
