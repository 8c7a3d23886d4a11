namespace SparseInfer.Generators.Formats;

/// <summary>
/// What kernels call that add up rows of a matrix, for several tokens: constants and fields of a feed-forward's class, whose rows are neurons of down; or
/// numbers and parameters, where a projection has a row for each channel of its input.
/// </summary>
/// <param name="Unit">What a row belongs to.</param>
/// <param name="Words">The matrix.</param>
/// <param name="Scales">Its scales, in a block type.</param>
/// <param name="Values">What rows are multiplied by, a row for each token.</param>
/// <param name="Stride">From a token's values to the next one's.</param>
/// <param name="Count">Rows of the matrix.</param>
/// <param name="Slice">Rows of a group.</param>
/// <param name="Slices">Groups that have other rows.</param>
/// <param name="Quads">Four columns each of a row, padded.</param>
/// <param name="RowWords">16-byte loads of a row.</param>
/// <param name="RowStride">Elements of 16 bytes from a row to the next.</param>
internal sealed record DownNames(
    string Unit, string Words, string Scales, string Values, string Stride, string Count, string Slice, string Slices, string Quads, string RowWords, string RowStride)
{
    /// <summary>Four columns each of a slice's sums: those of all projections of an input, where some have their sums side by side.</summary>
    public string SumQuads { get; init; } = Quads;

    /// <summary>The first of the matrix's own; empty: 0.</summary>
    public string FirstQuad { get; init; } = "";

    /// <summary>What the values are, at the beginning of a sentence.</summary>
    public string What { get; init; } = "Inputs";

    /// <summary>Whether sums stand in the order in which a token's own kernel loads their columns; else column by column.</summary>
    public bool InOrderOfLoads { get; init; }
}
