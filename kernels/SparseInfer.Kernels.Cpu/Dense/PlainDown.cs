using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The down product in the formats that store numbers one by one: one fused multiply-add a neuron and column. Four neurons go through the
/// columns together, so that a sum is loaded and stored once for four terms, while the next four neurons' lines are fetched.
/// </summary>
internal static unsafe class PlainDown
{
    /// <summary>Adds a list of neurons.</summary>
    public static void Add<T, TWiden>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where T : IWeightFormat
        where TWiden : struct, PlainDot.IInterleave
    {
        fixed (float* sums = &y)
        {
            int n = 0;
            for (; n <= active.Length - 4; n += 4)
            {
                ReadOnlySpan<float> values = h.Slice(n, 4);
                if (T.DownUnfold != 1 && !(InputPreparation.CanFold(values[0]) && InputPreparation.CanFold(values[1])
                    && InputPreparation.CanFold(values[2]) && InputPreparation.CanFold(values[3])))
                {
                    for (int i = n; i < n + 4; i++)
                        AddOne<T>(in down, active[i], h[i], sums, fromColumn, toColumn);
                    continue;
                }

                ref int neurons = ref Unsafe.Add(ref MemoryMarshal.GetReference(active), n);
                FourRows rows = down.Four(neurons, Unsafe.Add(ref neurons, 1), Unsafe.Add(ref neurons, 2), Unsafe.Add(ref neurons, 3));
                FourRows next = n <= active.Length - 8
                    ? down.Four(Unsafe.Add(ref neurons, 4), Unsafe.Add(ref neurons, 5), Unsafe.Add(ref neurons, 6), Unsafe.Add(ref neurons, 7))
                    : rows;
                Vector128<float> factors = Vector128.Create(values) * T.DownUnfold;
                if (PlainDot.Interleaved)
                    AddFourInterleaved<T, TWiden>(in rows, in next, factors, sums, fromColumn, toColumn);
                else
                    AddFour<T>(in rows, in next, factors, sums, fromColumn, toColumn);
            }
            for (; n < active.Length; n++)
                AddOne<T>(in down, active[n], h[n], sums, fromColumn, toColumn);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour<T>(
        in FourRows rows, in FourRows next, Vector128<float> factors, float* y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector512<float> h0 = Vector512.Create(factors.GetElement(0));
        Vector512<float> h1 = Vector512.Create(factors.GetElement(1));
        Vector512<float> h2 = Vector512.Create(factors.GetElement(2));
        Vector512<float> h3 = Vector512.Create(factors.GetElement(3));
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
        in FourRows rows, in FourRows next, Vector128<float> factors, float* y, int fromColumn, int toColumn)
        where T : IWeightFormat
        where TWiden : struct, PlainDot.IInterleave
    {
        byte* r0 = rows.First, r1 = rows.Second, r2 = rows.Third, r3 = rows.Fourth;
        byte* n0 = next.First, n1 = next.Second, n2 = next.Third, n3 = next.Fourth;
        Vector256<float> h0 = Vector256.Create(factors.GetElement(0));
        Vector256<float> h1 = Vector256.Create(factors.GetElement(1));
        Vector256<float> h2 = Vector256.Create(factors.GetElement(2));
        Vector256<float> h3 = Vector256.Create(factors.GetElement(3));
        nint size = T.RowBytes(32) / 32;
        for (nint column = fromColumn; column < toColumn; column += 16)
        {
            nint at = column * size;
            if ((at & 63) == 0)
            {
                Prefetch.Line(n0 + at);
                Prefetch.Line(n1 + at);
                Prefetch.Line(n2 + at);
                Prefetch.Line(n3 + at);
            }
            float* sums = y + column;
            TWiden.LoadSums(sums, out Vector256<float> yA, out Vector256<float> yB);
            TWiden.Load(r0 + at, out Vector256<float> a, out Vector256<float> b);
            yA = Fma.MultiplyAdd(h0, a, yA);
            yB = Fma.MultiplyAdd(h0, b, yB);
            TWiden.Load(r1 + at, out a, out b);
            yA = Fma.MultiplyAdd(h1, a, yA);
            yB = Fma.MultiplyAdd(h1, b, yB);
            TWiden.Load(r2 + at, out a, out b);
            yA = Fma.MultiplyAdd(h2, a, yA);
            yB = Fma.MultiplyAdd(h2, b, yB);
            TWiden.Load(r3 + at, out a, out b);
            yA = Fma.MultiplyAdd(h3, a, yA);
            yB = Fma.MultiplyAdd(h3, b, yB);
            TWiden.StoreSums(sums, yA, yB);
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
