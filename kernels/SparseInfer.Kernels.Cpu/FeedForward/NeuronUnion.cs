namespace SparseInfer.Kernels.Cpu;

/// <summary>Neurons that several tokens need, each counted once: rows of down that they read together.</summary>
public static class NeuronUnion
{
    /// <summary>Counts a worker's.</summary>
    /// <param name="slots">A slot for each token, its active neurons listed.</param>
    public static int Count(ReadOnlySpan<FeedForwardSlot> slots)
    {
        Span<int> next = stackalloc int[slots.Length];
        next.Clear();
        for (int count = 0; ; count++)
        {
            int least = int.MaxValue;
            for (int token = 0; token < slots.Length; token++)
            {
                ReadOnlySpan<int> active = slots[token].ActiveNeurons;
                least = next[token] < active.Length ? Math.Min(least, active[next[token]]) : least;
            }

            if (least == int.MaxValue)
            {
                return count;
            }

            for (int token = 0; token < slots.Length; token++)
            {
                ReadOnlySpan<int> active = slots[token].ActiveNeurons;
                next[token] += next[token] < active.Length && active[next[token]] == least ? 1 : 0;
            }
        }
    }
}
