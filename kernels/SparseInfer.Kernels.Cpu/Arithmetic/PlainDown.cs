using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The down product in the formats that store numbers one by one: one fused multiply-add a neuron and column. Several neurons go through the
/// columns together, so that a sum is loaded and stored once for all their terms, while the next neurons' lines are fetched.
/// </summary>
internal static unsafe class PlainDown
{
    /// <summary>Neurons to a pass. Eight spare half of the loads and stores of sums, but not the registers: a third slower.</summary>
    private const int Group = 4;

    /// <summary>Adds the neurons of a list that have an activation; those behind are fetched.</summary>
    [SkipLocalsInit]
    public static void Add<T, TWiden>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where T : IWeightFormat
        where TWiden : struct, PlainDot.IInterleave
    {
        byte** rows = stackalloc byte*[Group];
        byte** next = stackalloc byte*[Group];
        float* factors = stackalloc float[Group];
        fixed (float* sums = &y)
        {
            for (int n = 0; n < h.Length; n += Group)
            {
                int count = Math.Min(Group, h.Length - n);
                if (!CanFold<T>(h.Slice(n, count)))
                {
                    for (int i = n; i < n + count; i++)
                    {
                        AddOne<T>(in down, active[i], h[i], sums, fromColumn, toColumn);
                    }

                    continue;
                }

                // A last group that is not full repeats its last row, times zero.
                for (int i = 0; i < Group; i++)
                {
                    rows[i] = down.Pointer(active[n + Math.Min(i, count - 1)]);
                    next[i] = down.Pointer(active[Math.Min(n + count + i, active.Length - 1)]);
                    factors[i] = i < count ? h[n + i] * T.DownUnfold : 0;
                }

                if (PlainDot.Interleaved)
                {
                    AddFourInterleaved<T, TWiden>(rows, next, factors, sums, fromColumn, toColumn);
                }
                else
                {
                    AddFour<T>(rows, next, factors, sums, fromColumn, toColumn);
                }
            }
        }
    }

    private static bool CanFold<T>(ReadOnlySpan<float> h)
        where T : IWeightFormat
    {
        if (T.DownUnfold == 1)
        {
            return true;
        }

        foreach (float value in h)
        {
            if (!InputPreparation.CanFold(value))
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour<T>(byte** rows, byte** next, float* factors, float* y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        byte* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3];
        byte* n0 = next[0], n1 = next[1], n2 = next[2], n3 = next[3];
        Vector512<float> h0 = Vector512.Create(factors[0]);
        Vector512<float> h1 = Vector512.Create(factors[1]);
        Vector512<float> h2 = Vector512.Create(factors[2]);
        Vector512<float> h3 = Vector512.Create(factors[3]);
        nint size = T.RowBytes(32) / 32;
        for (nint column = fromColumn; column < toColumn; column += 32)
        {
            Prefetch.Line(n0 + (column * size));
            Prefetch.Line(n1 + (column * size));
            Prefetch.Line(n2 + (column * size));
            Prefetch.Line(n3 + (column * size));
            Vector512<float> yLo = Vector512.Load(y + column);
            Vector512<float> yHi = Vector512.Load(y + column + 16);
            T.Load32(ref *r0, (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
            yLo = Vector512.FusedMultiplyAdd(h0, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h0, hi, yHi);
            T.Load32(ref *r1, (nuint)column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h1, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h1, hi, yHi);
            T.Load32(ref *r2, (nuint)column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h2, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h2, hi, yHi);
            T.Load32(ref *r3, (nuint)column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h3, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h3, hi, yHi);
            yLo.Store(y + column);
            yHi.Store(y + column + 16);
        }
    }

    /// <summary>
    /// With vectors of 8 lanes: sums are taken in the order in which weights widen cheapest, and put back in theirs.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFourInterleaved<T, TWiden>(
        byte** rows, byte** next, float* factors, float* y, int fromColumn, int toColumn)
        where T : IWeightFormat
        where TWiden : struct, PlainDot.IInterleave
    {
        byte* r0 = rows[0], r1 = rows[1], r2 = rows[2], r3 = rows[3];
        byte* n0 = next[0], n1 = next[1], n2 = next[2], n3 = next[3];
        Vector256<float> h0 = Vector256.Create(factors[0]);
        Vector256<float> h1 = Vector256.Create(factors[1]);
        Vector256<float> h2 = Vector256.Create(factors[2]);
        Vector256<float> h3 = Vector256.Create(factors[3]);
        nint size = T.RowBytes(32) / 32;
        nint end = toColumn * size;
        float* sums = y + fromColumn;
        for (nint at = fromColumn * size; at < end; at += 64)
        {
            Sse.Prefetch0(n0 + at);
            Sse.Prefetch0(n1 + at);
            Sse.Prefetch0(n2 + at);
            Sse.Prefetch0(n3 + at);
            for (nint line = 0; line < 64; line += 16 * size, sums += 16)
            {
                nint column = at + line;
                TWiden.LoadSums(sums, out Vector256<float> yA, out Vector256<float> yB);
                TWiden.Load(r0 + column, out Vector256<float> a, out Vector256<float> b);
                yA = Fma.MultiplyAdd(h0, a, yA);
                yB = Fma.MultiplyAdd(h0, b, yB);
                TWiden.Load(r1 + column, out a, out b);
                yA = Fma.MultiplyAdd(h1, a, yA);
                yB = Fma.MultiplyAdd(h1, b, yB);
                TWiden.Load(r2 + column, out a, out b);
                yA = Fma.MultiplyAdd(h2, a, yA);
                yB = Fma.MultiplyAdd(h2, b, yB);
                TWiden.Load(r3 + column, out a, out b);
                yA = Fma.MultiplyAdd(h3, a, yA);
                yB = Fma.MultiplyAdd(h3, b, yB);
                TWiden.StoreSums(sums, yA, yB);
            }
        }
    }

    /// <summary>One neuron. Where its activation is too large to take what the format folds out, the weights take it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddOne<T>(in DownMatrix down, int neuron, float h, float* y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        bool fold = InputPreparation.CanFold(h);
        Vector512<float> factor = Vector512.Create(fold ? h * T.DownUnfold : h);
        Vector512<float> unfold = Vector512.Create(fold ? 1 : T.DownUnfold);
        ref byte row = ref down.Neuron(neuron);
        for (nint column = fromColumn; column < toColumn; column += 32)
        {
            T.Load32(ref row, (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
            Vector512.FusedMultiplyAdd(factor, lo * unfold, Vector512.Load(y + column)).Store(y + column);
            Vector512.FusedMultiplyAdd(factor, hi * unfold, Vector512.Load(y + column + 16)).Store(y + column + 16);
        }
    }
}
