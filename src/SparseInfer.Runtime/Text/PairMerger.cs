using System.Runtime.InteropServices;

namespace SparseInfer.Text;

/// <summary>A stretch of a text on its way to a token.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct Symbol
{
    /// <summary>Where it begins.</summary>
    public int Start;

    /// <summary>How long it is; 0 once it has become a part of the one before it.</summary>
    public int Length;

    /// <summary>The one before it, or -1.</summary>
    public int Previous;

    /// <summary>The one after it, or -1.</summary>
    public int Next;

    /// <summary>What it is, in the numbers of the rule that merges it.</summary>
    public int Id;

    /// <summary>The rank of what it and the next one become, or -1.</summary>
    internal int Rank;

    /// <summary>The <see cref="Id"/> of what it and the next one become.</summary>
    internal int Merged;
}

/// <summary>What two neighbours become.</summary>
/// <param name="Rank">Lower merges first.</param>
/// <param name="Id">The <see cref="Symbol.Id"/> of the whole.</param>
internal readonly record struct Merge(int Rank, int Id);

/// <summary>Which neighbours merge.</summary>
internal interface IMergeRule
{
    /// <summary>Whether the two merge, and what they become.</summary>
    bool TryMerge(in Symbol left, in Symbol right, out Merge merge);
}

/// <summary>
/// Byte-pair merging: as long as two neighbours merge, the pair of the lowest rank does, the leftmost among equals. O(n log n) for n
/// symbols. One instance serves any number of texts, one at a time.
/// </summary>
internal sealed class PairMerger
{
    private const int None = -1;

    private readonly MinHeap _pending = new();

    /// <summary>Merges; what remains is linked from the first symbol on by <see cref="Symbol.Next"/>.</summary>
    /// <param name="rule">Which neighbours merge.</param>
    /// <param name="symbols">In the text's order, with start, length and id; links are set here.</param>
    public void Merge<TRule>(TRule rule, Span<Symbol> symbols)
        where TRule : IMergeRule, allows ref struct
    {
        for (int i = 0; i < symbols.Length; i++)
        {
            symbols[i].Previous = i - 1;
            symbols[i].Next = i + 1 < symbols.Length ? i + 1 : None;
        }

        for (int i = 0; i < symbols.Length; i++)
        {
            Join(rule, symbols, i);
        }

        while (_pending.TryTake(out ulong first))
        {
            int at = (int)(uint)first;
            ref Symbol left = ref symbols[at];
            if (left.Length == 0 || left.Rank != (int)(first >> 32))
            {
                continue; // one of the two has merged with another meanwhile
            }

            ref Symbol right = ref symbols[left.Next];
            left.Length += right.Length;
            left.Id = left.Merged;
            left.Next = right.Next;
            right.Length = 0;
            if (left.Next != None)
            {
                symbols[left.Next].Previous = at;
            }

            Join(rule, symbols, at);
            if (left.Previous != None)
            {
                Join(rule, symbols, left.Previous);
            }
        }
    }

    /// <summary>Finds out what a symbol and the next one become.</summary>
    private void Join<TRule>(TRule rule, Span<Symbol> symbols, int at)
        where TRule : IMergeRule, allows ref struct
    {
        ref Symbol left = ref symbols[at];
        left.Rank = None;
        if (left.Next != None && rule.TryMerge(left, symbols[left.Next], out Merge merge))
        {
            left.Rank = merge.Rank;
            left.Merged = merge.Id;

            // Rank, then position, in one integer: the smallest is the lowest rank, leftmost.
            _pending.Add(((ulong)merge.Rank << 32) | (uint)at);
        }
    }
}
