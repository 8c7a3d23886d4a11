using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Which words get a logit: those whose score is above a threshold. Scores are where the logits go; a score that is no number is none.</summary>
public static class WordChoice
{
    /// <summary>How many words of a range score above a threshold.</summary>
    /// <param name="scores">Word 0's score.</param>
    /// <param name="from">The first word.</param>
    /// <param name="to">The end.</param>
    /// <param name="threshold">What they are compared with.</param>
    public static int Count(ref float scores, int from, int to, float threshold)
    {
        int count = 0;
        for (int word = from; word < to; word++)
        {
            count += Unsafe.Add(ref scores, word) > threshold ? 1 : 0;
        }

        return count;
    }

    /// <summary>Lists the words of a range that score above a threshold, ascending; every word's score becomes minus infinity.</summary>
    /// <param name="scores">Word 0's score, and its logit afterwards.</param>
    /// <param name="from">The first word.</param>
    /// <param name="to">The end.</param>
    /// <param name="threshold">What they are compared with.</param>
    /// <param name="words">Room for the range and three more: the list's last word is repeated there, so that rows can be taken in fours.</param>
    /// <returns>How many there are.</returns>
    public static int List(ref float scores, int from, int to, float threshold, Span<int> words)
    {
        int count = 0;
        for (int word = from; word < to; word++)
        {
            // The list grows by one or by none, without a branch.
            words[count] = word;
            ref float score = ref Unsafe.Add(ref scores, word);
            count += score > threshold ? 1 : 0;
            score = float.NegativeInfinity;
        }

        words.Slice(count, 3).Fill(count == 0 ? from : words[count - 1]);
        return count;
    }
}
