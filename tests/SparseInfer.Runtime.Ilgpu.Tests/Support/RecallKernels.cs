using ILGPU;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>
/// A model that remembers: each token's embedding, turned by its position, goes in the cache, and logits are the head times the sum of what is
/// there.
/// </summary>
public static class RecallKernels
{
    public const int Width = 16;

    /// <summary>One token: a thread an element.</summary>
    public static void Remember(
        ArrayView<float> embedding, ArrayView<int> tokens, int index, int position, ArrayView<float> cos, ArrayView<float> cache, int cacheRow) =>
        Store(embedding, tokens[index], position, cos, cache, cacheRow);

    /// <summary>The same for a sequence of several.</summary>
    public static void RememberTogether(
        ArrayView<float> embedding, ArrayView<int> tokens, ArrayView<int> positions, int index, ArrayView<float> cos, ArrayView<float> cache, int cacheRow) =>
        Store(embedding, tokens[index], positions[index], cos, cache, cacheRow);

    /// <summary>A thread a row of the head.</summary>
    public static void Recall(ArrayView<float> cache, int cacheRow, int position, ArrayView<float> head, int headRow, int vocabulary, ArrayView<float> logits) =>
        Sum(cache, cacheRow, position, head, headRow, vocabulary, logits);

    /// <summary>The same for a sequence of several.</summary>
    public static void RecallTogether(
        ArrayView<float> cache, int cacheRow, ArrayView<int> positions, int index, ArrayView<float> head, int headRow, int vocabulary, ArrayView<float> logits) =>
        Sum(cache, cacheRow, positions[index], head, headRow, vocabulary, logits.SubView(index * vocabulary, vocabulary));

    private static void Store(ArrayView<float> embedding, int token, int position, ArrayView<float> cos, ArrayView<float> cache, int cacheRow)
    {
        int i = Group.IdxX;
        if (i < Width)
        {
            cache[(position * cacheRow) + i] = embedding[(token * Width) + i] * cos[position];
        }
    }

    private static void Sum(ArrayView<float> cache, int cacheRow, int position, ArrayView<float> head, int headRow, int vocabulary, ArrayView<float> logits)
    {
        int row = (Grid.IdxX * Group.DimX) + Group.IdxX;
        if (row < vocabulary)
        {
            float sum = 0;
            for (int past = 0; past <= position; past++)
            {
                for (int i = 0; i < Width; i++)
                {
                    sum += cache[(past * cacheRow) + i] * head[(row * headRow) + i];
                }
            }

            logits[row] = sum;
        }
    }
}
