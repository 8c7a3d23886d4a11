namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How a feed-forward is computed for several tokens together: a launch from prediction to activations, one for down. A pure function of the
/// single token's plan, whose slices it keeps: sums run in their order.
/// </summary>
internal sealed record TogetherPlan(IlgpuFeedForwardPlan Single)
{
    /// <summary>Most tokens; each has an accumulator in registers.</summary>
    public const int Tokens = 16;

    /// <summary>Threads of a group up to the activations.</summary>
    public const int Threads = 256;

    public const int Warps = Threads / RowPlan.Lanes;

    /// <summary>Threads of a group of down.</summary>
    public int DownThreads => Single.Row.IsBlock ? 256 : 128;

    public int DownWarps => DownThreads / RowPlan.Lanes;

    /// <summary>Neurons of a group up to the activations: many share what is staged, unless multiprocessors would have no group.</summary>
    public int Neurons => Single.Intermediate >= 128 * Single.Target.Multiprocessors ? 128 : 64;

    /// <summary>Of them, those that a warp predicts.</summary>
    public int WarpNeurons => Neurons / Warps;

    public int Groups => (Single.Intermediate + Neurons - 1) / Neurons;

    /// <summary>Whether the last group has as many neurons as the others.</summary>
    public bool IsExact => Groups * Neurons == Single.Intermediate;

    /// <summary>Groups of neurons of a slice that a warp looks at together.</summary>
    public int SliceChunks => (Single.SliceNeurons + RowPlan.Lanes - 1) / RowPlan.Lanes;

    /// <summary>Four columns each of a row of down, padded.</summary>
    public int HiddenQuads => Single.Row.Columns / 4;

    /// <summary>Four bytes each of a row of down in a block type: four columns, or eight where two are in a byte.</summary>
    public int DownWords => Single.Row.Words * 4;

    /// <summary>Tokens of a thread of down in a block type, whose sums take more registers; the lanes of a warp have the others.</summary>
    public const int BlockTokens = 4;

    /// <summary>What a group of down has of a row: four columns, or four bytes, for each thread and all tokens.</summary>
    public int DownTile => Single.Row.IsBlock ? DownThreads * BlockTokens / Tokens : DownThreads;

    /// <summary>Groups of down that have the same slice, and other columns.</summary>
    public int DownTiles => ((Single.Row.IsBlock ? DownWords : HiddenQuads) + DownTile - 1) / DownTile;
}
