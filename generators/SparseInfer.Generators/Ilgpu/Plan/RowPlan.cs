using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>How a warp goes through a row of weights: 16 bytes a lane, 32 lanes at a time.</summary>
/// <param name="Weights">The row's type.</param>
/// <param name="Columns">Its weights, padded to a multiple of 32.</param>
internal sealed record RowPlan(WeightType Weights, int Columns)
{
    public const int Lanes = 32;

    public static RowPlan Of(WeightType weights, int columns) => new(weights, WeightLayout.Pad(columns));

    public Format Format => Format.Of(Weights);

    /// <summary>Weights of one 16-byte load.</summary>
    public int PerLoad => Format.ColumnsPerLoad;

    /// <summary>16-byte loads of a row.</summary>
    public int Words => Columns / PerLoad;

    /// <summary>Loads that all lanes make.</summary>
    public int FullSteps => Words / Lanes;

    /// <summary>Lanes that make one more.</summary>
    public int RestLanes => Words % Lanes;

    public int Steps => FullSteps + (RestLanes > 0 ? 1 : 0);

    /// <summary>Inputs, in fours, that meet one load.</summary>
    public int Quads => PerLoad / 4;

    /// <summary>Elements of 16 bytes from a row to the next: its loads, and behind them what these have no bits for.</summary>
    public int Stride => Words + (((Words * Format.HighBytes) + 15) / 16);

    /// <summary>What <see cref="Stride"/> is called where a class of kernels has one row.</summary>
    public string StrideName => Stride == Words ? "RowWords" : "RowStride";

    /// <summary>Whether weights come in blocks with scales, which a device keeps apart from them.</summary>
    public bool IsBlock => Format.IsBlock;

    /// <summary>Whether device functions take loads apart, and find what belongs to them.</summary>
    public bool Unpacks => Format.Blocks is { Unpacks: true };

    /// <summary>Blocks of 32 columns of a row, in steps of whose largest an input is rounded.</summary>
    public int Blocks => IsBlock ? Columns / 32 : 0;

    /// <summary>Scales of a row, two bytes each.</summary>
    public int Scales => IsBlock ? Columns / Format.BlockColumns * Format.ScaleHalves : 0;

    /// <summary>What a load is called.</summary>
    public string LoadType => Format.Blocks?.LoadType ?? "Words4";

    /// <summary>The input in fours, as a warp reads it: whole steps.</summary>
    public int InputQuads => Steps * Lanes * Quads;

    /// <summary>
    /// The input of a block type in words of 16 bytes, as a warp reads it. Two meet one load: upper and lower bytes of 16 columns, or 32 columns
    /// in a byte each.
    /// </summary>
    public int InputWords => Steps * Lanes * 2;

    /// <summary>Shared memory that the input takes; a block type's is rounded to integers there, and each block has a step.</summary>
    public int InputBytes => IsBlock ? (InputWords * 16) + (Blocks * 8) : InputQuads * 16;

    public long Bytes => (Stride * 16L) + (Scales * 2L);
}
