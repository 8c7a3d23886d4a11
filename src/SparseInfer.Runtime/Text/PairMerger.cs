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

    private readonly PriorityQueue<Pair, ulong> _pending = new();

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

        for (int i = 1; i < symbols.Length; i++)
        {
            Add(rule, symbols, i - 1, i);
        }

        while (_pending.TryDequeue(out Pair pair, out _))
        {
            ref Symbol left = ref symbols[pair.Left];
            ref Symbol right = ref symbols[pair.Right];

            // Symbols only grow or vanish (length 0); a pair is out of date exactly if its length has changed or one of the two is gone.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length)
            {
                continue;
            }

            left.Length += right.Length;
            left.Id = pair.Id;
            left.Next = right.Next;
            right.Length = 0;
            if (left.Next != None)
            {
                symbols[left.Next].Previous = pair.Left;
            }

            Add(rule, symbols, left.Previous, pair.Left);
            Add(rule, symbols, pair.Left, left.Next);
        }
    }

    private void Add<TRule>(TRule rule, ReadOnlySpan<Symbol> symbols, int left, int right)
        where TRule : IMergeRule, allows ref struct
    {
        if (left != None && right != None && rule.TryMerge(symbols[left], symbols[right], out Merge merge))
        {
            // Rank, then position, in one integer: the smallest is the lowest rank, leftmost.
            _pending.Enqueue(
                new Pair(left, right, symbols[left].Length + symbols[right].Length, merge.Id), ((ulong)merge.Rank << 32) | (uint)left);
        }
    }

    private readonly record struct Pair(int Left, int Right, int Length, int Id);
}
