using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The second product of a feed-forward layer, <c>y[j] = Σ h[i] * w_down[i, j]</c>, added up by fused multiply-add in ascending i for each
/// column, one sum a column, whatever is skipped, split or batched. A zero term leaves a sum's bits alone (but for a sum underflowed to -0): so
/// leaving out neurons that are zero changes nothing.
/// </summary>
public static unsafe partial class OrderedDown
{
    /// <summary><c>y[j] += h[n] * w_down[active[n], j]</c> for a range of columns, in the order of <paramref name="active"/>.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="active">The neurons that are not zero, ascending.</param>
    /// <param name="h">Their activations.</param>
    /// <param name="y">The sums, column 0's first; the caller sets them to +0.</param>
    /// <param name="fromColumn">First column, a multiple of 32.</param>
    /// <param name="toColumn">End of the range, a multiple of 32: at most the padded width.</param>
    public static void Accumulate<T>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        int n = 0;
        for (; n <= active.Length - 4; n += 4)
            AddFour<T>(in down, active.Slice(n, 4), h.Slice(n, 4), ref y, fromColumn, toColumn);
        for (; n < active.Length; n++)
            AddOne<T>(in down, active[n], h[n], ref y, fromColumn, toColumn);
    }

    /// <summary>Four neurons to a pass over y: a sum is loaded and stored once for four terms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour<T>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        if (T.DownUnfold != 1 && !(InputPreparation.CanFold(h[0]) && InputPreparation.CanFold(h[1])
            && InputPreparation.CanFold(h[2]) && InputPreparation.CanFold(h[3])))
        {
            for (int n = 0; n < 4; n++)
                AddOne<T>(in down, active[n], h[n], ref y, fromColumn, toColumn);
            return;
        }

        Vector512<float> h0 = Vector512.Create(h[0] * T.DownUnfold);
        Vector512<float> h1 = Vector512.Create(h[1] * T.DownUnfold);
        Vector512<float> h2 = Vector512.Create(h[2] * T.DownUnfold);
        Vector512<float> h3 = Vector512.Create(h[3] * T.DownUnfold);
        ref byte w0 = ref down.Neuron(active[0]);
        ref byte w1 = ref down.Neuron(active[1]);
        ref byte w2 = ref down.Neuron(active[2]);
        ref byte w3 = ref down.Neuron(active[3]);
        ref byte s0 = ref down.Scales(active[0]);
        ref byte s1 = ref down.Scales(active[1]);
        ref byte s2 = ref down.Scales(active[2]);
        ref byte s3 = ref down.Scales(active[3]);
        for (nuint column = (nuint)fromColumn; column < (nuint)toColumn; column += 32)
        {
            Vector512<float> yLo = Vector512.LoadUnsafe(ref y, column);
            Vector512<float> yHi = Vector512.LoadUnsafe(ref y, column + 16);
            T.LoadDown32(ref s0, ref w0, column, out Vector512<float> lo, out Vector512<float> hi);
            yLo = Vector512.FusedMultiplyAdd(h0, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h0, hi, yHi);
            T.LoadDown32(ref s1, ref w1, column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h1, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h1, hi, yHi);
            T.LoadDown32(ref s2, ref w2, column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h2, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h2, hi, yHi);
            T.LoadDown32(ref s3, ref w3, column, out lo, out hi);
            yLo = Vector512.FusedMultiplyAdd(h3, lo, yLo);
            yHi = Vector512.FusedMultiplyAdd(h3, hi, yHi);
            yLo.StoreUnsafe(ref y, column);
            yHi.StoreUnsafe(ref y, column + 16);
        }
    }

    /// <summary>One neuron. Where its activation is too large to take what the format folds out, the weights take it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddOne<T>(in DownMatrix down, int neuron, float h, ref float y, int fromColumn, int toColumn)
        where T : IWeightFormat
    {
        bool fold = InputPreparation.CanFold(h);
        Vector512<float> factor = Vector512.Create(fold ? h * T.DownUnfold : h);
        Vector512<float> unfold = Vector512.Create(fold ? 1 : T.DownUnfold);
        ref byte w = ref down.Neuron(neuron);
        ref byte scales = ref down.Scales(neuron);
        for (nuint column = (nuint)fromColumn; column < (nuint)toColumn; column += 32)
        {
            T.LoadDown32(ref scales, ref w, column, out Vector512<float> lo, out Vector512<float> hi);
            Vector512.FusedMultiplyAdd(factor, lo * unfold, Vector512.LoadUnsafe(ref y, column)).StoreUnsafe(ref y, column);
            Vector512.FusedMultiplyAdd(factor, hi * unfold, Vector512.LoadUnsafe(ref y, column + 16)).StoreUnsafe(ref y, column + 16);
        }
    }
}
