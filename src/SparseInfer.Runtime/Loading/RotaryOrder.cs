namespace SparseInfer.Loading;

/// <summary>How rows of query and key move when rotary pairs are stored in another order.</summary>
internal static class RotaryOrder
{
    /// <summary>
    /// For every row of a matrix with interleaved pairs (2i, 2i+1), the row of one with half-split pairs (i, i + d/2) that goes there:
    /// what turns Hugging Face's query and key into those of llama GGUF files.
    /// </summary>
    public static int[] InterleavedFromHalfSplit(int rows, int headDimension, int rotaryDimensions)
    {
        var source = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            int dimension = row % headDimension;
            int moved = dimension >= rotaryDimensions ? dimension : (dimension / 2) + (dimension % 2 * (rotaryDimensions / 2));
            source[row] = row - dimension + moved;
        }

        return source;
    }
}
