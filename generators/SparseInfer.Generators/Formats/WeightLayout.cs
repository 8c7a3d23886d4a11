namespace SparseInfer.Generators.Formats;

/// <summary>What is the same for rows of all weight types.</summary>
internal static class WeightLayout
{
    /// <summary>Rows are padded with zeros to a multiple of this many columns, so that no kernel has a tail.</summary>
    public const int ColumnMultiple = 32;

    public static int Pad(int columns) => (columns + ColumnMultiple - 1) / ColumnMultiple * ColumnMultiple;
}
