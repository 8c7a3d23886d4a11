using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>A model of two matrices: the logits of a token are the head times the token's embedding.</summary>
public static class TinyKernels
{
    public static void Logits(
        ArrayView<Words4> embedding,
        ArrayView<Words4> head,
        ArrayView<int> tokens,
        ArrayView<float> logits,
        int firstToken,
        int vocabulary,
        int rowWords)
    {
        int row = (Grid.IdxX * Group.DimX) + Group.IdxX;
        if (row < vocabulary)
        {
            int token = tokens[firstToken + Grid.IdxY];
            float sum = 0;
            for (int k = 0; k < rowWords; k++)
            {
                Words4 x = embedding[(token * rowWords) + k];
                Words4 w = head[(row * rowWords) + k];
                sum = F32.Dot(w, F32.Widen0(x), sum);
            }

            logits[(Grid.IdxY * vocabulary) + row] = sum;
        }
    }

    /// <summary>Each thread finds it alone, as slow as it is plain; the first tells.</summary>
    public static void ArgMax(ArrayView<float> logits, int vocabulary, ArrayView<int> greedy)
    {
        int best = -1;
        float most = float.NegativeInfinity;
        int valid = 1;
        for (int i = 0; i < vocabulary; i++)
        {
            float logit = logits[i];
            if (!(logit <= float.MaxValue))
            {
                valid = 0;
            }

            if (logit > most)
            {
                most = logit;
                best = i;
            }
        }

        if (Group.IdxX == 0)
        {
            greedy[0] = valid == 1 ? best : -1;
        }
    }

    /// <summary>Counts as a feed-forward's kernel does: two warps.</summary>
    public static void Count(ArrayView<int> counts)
    {
        int slot = 4 * Group.IdxX;
        if (Group.IdxX < 2)
        {
            counts[slot] = counts[slot] + 3;
            counts[slot + 1] = counts[slot + 1] + 2;
            counts[slot + 2] = counts[slot + 2] + 1;
            counts[slot + 3] = counts[slot + 3] + 4;
        }
    }
}
