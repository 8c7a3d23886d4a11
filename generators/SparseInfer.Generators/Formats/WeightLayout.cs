namespace SparseInfer.Generators.Formats;

/// <summary>What a plan has to know of a weight type: how many bytes a row takes, and whether reading it wants a folded input.</summary>
internal static class WeightLayout
{
    /// <summary>Rows are padded with zeros to a multiple of this many columns, so that no kernel has a tail.</summary>
    public const int ColumnMultiple = 32;

    public static int Pad(int columns) => (columns + ColumnMultiple - 1) / ColumnMultiple * ColumnMultiple;

    /// <summary>Whether weights are integers in blocks that share a scale.</summary>
    public static bool IsBlock(WeightType type) => type is WeightType.Q8_0 or WeightType.Q4_0;

    /// <summary>Bytes of <paramref name="columns"/> weights; a multiple of 32 columns.</summary>
    public static long Bytes(WeightType type, long columns) => type switch
    {
        WeightType.F32 => columns * 4,
        WeightType.F16 or WeightType.BF16 => columns * 2,
        WeightType.Q8_0 => columns / 32 * 34,
        WeightType.Q4_0 => columns / 32 * 18,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
