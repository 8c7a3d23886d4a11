namespace SparseInfer.Sampling;

/// <summary>Finds the greatest logits of a vocabulary without sorting it.</summary>
internal static class TopLogits
{
    /// <summary>
    /// Fills <paramref name="tokens"/> with the tokens of the greatest logits, in descending order; among equal logits the lower id comes
    /// first. One pass with a heap of the best so far: O(V + k log k) as a rule, O(V log k) when the logits ascend.
    /// </summary>
    /// <param name="logits">One logit a token, none NaN.</param>
    /// <param name="tokens">Room for as many tokens as are wanted: at least one, at most as many as there are logits.</param>
    public static void Select(ReadOnlySpan<float> logits, Span<int> tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = i;
        }

        for (int i = tokens.Length / 2 - 1; i >= 0; i--)
        {
            SiftDown(logits, tokens, i);
        }

        // Ids come in ascending order, so one with a logit equal to the worst of the best is worse than that one.
        int token = tokens.Length;
        while ((token = LogitScan.IndexOfAbove(logits, token, logits[tokens[0]])) < logits.Length)
        {
            tokens[0] = token++;
            SiftDown(logits, tokens, 0);
        }

        for (int last = tokens.Length - 1; last > 0; last--)
        {
            (tokens[0], tokens[last]) = (tokens[last], tokens[0]);
            SiftDown(logits, tokens[..last], 0);
        }
    }

    /// <summary>Restores the heap, whose root is the worst token, below <paramref name="parent"/>.</summary>
    private static void SiftDown(ReadOnlySpan<float> logits, Span<int> heap, int parent)
    {
        int token = heap[parent];
        int child;
        while ((child = 2 * parent + 1) < heap.Length)
        {
            if (child + 1 < heap.Length && IsWorse(logits, heap[child + 1], heap[child]))
            {
                child++;
            }

            if (!IsWorse(logits, heap[child], token))
            {
                break;
            }

            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = token;
    }

    private static bool IsWorse(ReadOnlySpan<float> logits, int token, int other) =>
        logits[token] < logits[other] || (logits[token] == logits[other] && token > other);
}
