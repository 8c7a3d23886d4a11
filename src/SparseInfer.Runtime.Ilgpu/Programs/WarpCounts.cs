using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// What metered kernels count, four numbers a warp: neurons whose activation is zero (or below the policy's threshold), neurons predicted
/// inactive, those both, and rows read of the matrices after the first. Where down has another weight type, its rows are a fifth.
/// </summary>
internal static class WarpCounts
{
    private const int PerWarp = 4;

    /// <summary>Adds all warps' numbers to a tally that has neurons and predictor bytes already.</summary>
    /// <param name="counted">As they come from the device.</param>
    /// <param name="rowBytes">Bytes of a neuron's row in each matrix.</param>
    /// <param name="downRowBytes">Bytes of its row of down, where warps count these for themselves; null: they are among the others.</param>
    /// <param name="tally">What is added to.</param>
    public static void AddTo(ref LayerTally tally, ReadOnlySpan<int> counted, long rowBytes, long? downRowBytes = null)
    {
        int perWarp = downRowBytes is null ? PerWarp : PerWarp + 1;
        long read = 0;
        long down = 0;
        for (int warp = 0; warp + perWarp <= counted.Length; warp += perWarp)
        {
            tally.Inactive += counted[warp];
            tally.Predicted += counted[warp + 1];
            tally.PredictedInactive += counted[warp + 2];
            read += counted[warp + 3];
            down += downRowBytes is null ? 0 : counted[warp + PerWarp];
        }

        tally.Bytes += ((tally.Neurons - tally.Predicted + read) * rowBytes) + (down * (downRowBytes ?? 0));
    }
}
