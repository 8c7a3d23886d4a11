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

    /// <summary>Whether weights come in blocks of 32 with a scale, which a device keeps apart from them.</summary>
    public bool IsBlock => Format.IsBlock;

    /// <summary>Scales of a row.</summary>
    public int Scales => IsBlock ? Columns / Format.BlockColumns : 0;

    /// <summary>The input in fours, as a warp reads it: whole steps.</summary>
    public int InputQuads => Steps * Lanes * Quads;

    /// <summary>
    /// The input of a block type in words of 16 bytes, as a warp reads it. Two meet one load: upper and lower bytes of 16 columns, or 32 columns
    /// in a byte each.
    /// </summary>
    public int InputWords => Steps * Lanes * 2;

    /// <summary>Shared memory that the input takes; a block type's is rounded to integers there, and each block has a step.</summary>
    public int InputBytes => IsBlock ? (InputWords * 16) + (Scales * 8) : InputQuads * 16;

    public long Bytes => (Words * 16L) + (Scales * 2L);
}
