namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The second product of a feed-forward layer, <c>y[j] = Σ h[i] * w_down[i, j]</c>. The neurons come in <see cref="NeuronSlices"/>: the terms of
/// each column are added in ascending i within a slice, and the slices' sums in their order, whatever is skipped, split or batched. Within a
/// slice, plain formats add neurons one by one (<see cref="PlainDown"/>), block formats block by block of 32 neurons, whose integer sum is exact
/// (<see cref="BlockDown"/>). A zero term leaves a sum's bits alone (but for a sum underflowed to -0): so leaving out neurons that are zero
/// changes nothing.
/// </summary>
public static unsafe partial class OrderedDown
{
    /// <summary><c>y[j] += h[n] * w_down[active[n], j]</c> for a range of columns, in the order of <paramref name="active"/>.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="active">
    /// The neurons that are not zero, ascending. In several calls, calls divide them at a multiple of 32 neurons: a block is quantized as one.
    /// </param>
    /// <param name="h">Their activations. Where there are fewer, the neurons that have none are what comes next: they are fetched, not added.</param>
    /// <param name="y">The sums, column 0's first; the caller sets them to +0.</param>
    /// <param name="fromColumn">First column, a multiple of 32.</param>
    /// <param name="toColumn">End of the range, a multiple of 32: at most the padded width.</param>
    public static void Accumulate<T>(
        in DownMatrix down, ReadOnlySpan<int> active, ReadOnlySpan<float> h, ref float y, int fromColumn, int toColumn)
        where T : IWeightArithmetic
    {
        if (!h.IsEmpty && fromColumn < toColumn)
        {
            T.AddDown(in down, active, h, ref y, fromColumn, toColumn);
        }
    }
}
