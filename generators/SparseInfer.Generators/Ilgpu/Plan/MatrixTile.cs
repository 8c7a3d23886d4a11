using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The part of a prompt's matrix product that one group computes with tensor cores: 32 rows and 32 tokens a warp.</summary>
/// <param name="RowWarps">Warps side by side in rows.</param>
/// <param name="TokenWarps">Warps side by side in tokens.</param>
internal sealed record MatrixTile(int RowWarps, int TokenWarps)
{
    /// <summary>Rows and tokens of a warp, and columns that are in shared memory at a time.</summary>
    public const int Side = 32;

    /// <summary>16-byte words of <see cref="Side"/> halves: what four lanes have.</summary>
    public const int Words = Side / 8;

    /// <summary>Candidates, the largest first.</summary>
    public static readonly IReadOnlyList<MatrixTile> All = [new(2, 2), new(1, 2), new(1, 1)];

    public int Rows => RowWarps * Side;

    public int Tokens => TokenWarps * Side;

    public int Threads => RowWarps * TokenWarps * RowPlan.Lanes;

    /// <summary>Two tiles of weights, and of the inputs' two halves.</summary>
    public int SharedBytes => 2 * (Rows + (2 * Tokens)) * Words * 16;

    /// <summary>The largest tile that leaves no multiprocessor idle in the smallest of a layer's products; else the smallest.</summary>
    /// <param name="batch">Tokens of a prompt that go through a layer together.</param>
    public static MatrixTile Of(ModelSpec spec, DeviceTarget target, int batch) =>
        All.FirstOrDefault(tile => ProductTile.Groups(spec, batch, tile.Rows, tile.Tokens) >= target.Multiprocessors) ?? All[All.Count - 1];
}
