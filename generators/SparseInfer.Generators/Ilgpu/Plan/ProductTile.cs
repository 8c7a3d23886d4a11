using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The part of a prompt's matrix product that one group computes, and how its threads share it.</summary>
/// <param name="Rows">Rows of weights; a multiple of 32.</param>
/// <param name="Tokens">Tokens; a multiple of 32.</param>
/// <param name="Side">Rows and tokens of one thread: 4 or 8, in quads.</param>
internal sealed record ProductTile(int Rows, int Tokens, int Side)
{
    /// <summary>Columns that are in shared memory at a time.</summary>
    public const int Depth = 16;

    /// <summary>Columns whose products are written out: ILGPU loads the operands of a block first, and more of them would not fit the registers.</summary>
    public const int Unrolled = 4;

    /// <summary>From the fewest instructions a product to the most groups.</summary>
    public static readonly IReadOnlyList<ProductTile> All = [new(128, 64, 8), new(64, 64, 8), new(64, 32, 4), new(32, 32, 4)];

    public int RowThreads => Rows / Side;

    public int Threads => RowThreads * (Tokens / Side);

    /// <summary>Two tiles of weights and of inputs: one is filled while the other is read.</summary>
    public int SharedBytes => 2 * Depth * (Rows + Tokens) * sizeof(float);

    public int RowQuads => Rows / 4;

    public int TokenQuads => Tokens / 4;

    /// <summary>The largest tile that leaves no multiprocessor idle in the smallest of a layer's products; else the smallest.</summary>
    /// <param name="batch">Tokens of a prompt that go through a layer together.</param>
    public static ProductTile Of(ModelSpec spec, DeviceTarget target, int batch) =>
        All.FirstOrDefault(tile => Groups(spec, batch, tile.Rows, tile.Tokens) >= target.Multiprocessors) ?? All[All.Count - 1];

    /// <summary>Groups of the smallest of a layer's products.</summary>
    public static int Groups(ModelSpec spec, int batch, int rows, int tokens)
    {
        int fewest = Math.Min(spec.Hidden, spec.FeedForward.Intermediate);
        return (fewest + rows - 1) / rows * ((batch + tokens - 1) / tokens);
    }
}
