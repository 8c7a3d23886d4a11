namespace SparseInfer.Sampling;

/// <summary>From which nodes the end of their rule can be reached.</summary>
internal sealed class GrammarReach
{
    private readonly GrammarNode[] _nodes;
    private readonly int[] _entries;

    /// <summary>Who leads to a node, by a byte, a split or a return: those of node n are from <c>_begins[n]</c> on.</summary>
    private readonly int[] _begins;
    private readonly int[] _from;

    /// <summary>Who calls each rule.</summary>
    private readonly List<int>?[] _callers;

    /// <summary>The rule that begins at a node, or -1.</summary>
    private readonly Dictionary<int, List<int>> _ruleAt = [];

    public GrammarReach(GrammarNode[] nodes, GrammarEdge[] edges, int[] entries)
    {
        _nodes = nodes;
        _entries = entries;
        _callers = new List<int>?[entries.Length];
        for (int rule = 0; rule < entries.Length; rule++)
        {
            (_ruleAt.TryGetValue(entries[rule], out List<int>? rules) ? rules : _ruleAt[entries[rule]] = []).Add(rule);
        }

        int[] counts = new int[nodes.Length + 1];
        Each(edges, (_, to) => counts[to + 1]++);
        for (int i = 1; i < counts.Length; i++)
        {
            counts[i] += counts[i - 1];
        }

        _begins = counts;
        _from = new int[counts[^1]];
        int[] filled = [.. counts];
        Each(edges, (from, to) => _from[filled[to]++] = from);
        for (int node = 0; node < nodes.Length; node++)
        {
            if (nodes[node].Kind == GrammarNodeKind.Call)
            {
                (_callers[nodes[node].First] ??= []).Add(node);
            }
        }
    }

    /// <summary>Finds them, from the ends backwards.</summary>
    /// <param name="withBytes">Whether bytes may be on the way.</param>
    public bool[] EndsFrom(bool withBytes)
    {
        bool[] ends = new bool[_nodes.Length];
        bool[] isRuleDone = new bool[_entries.Length];
        var pending = new Stack<int>();
        for (int node = 0; node < _nodes.Length; node++)
        {
            if (_nodes[node].Kind == GrammarNodeKind.End)
            {
                Mark(node);
            }
        }

        while (pending.TryPop(out int to))
        {
            foreach (int from in _from.AsSpan(_begins[to], _begins[to + 1] - _begins[to]))
            {
                if (_nodes[from].Kind == GrammarNodeKind.Split
                    || (_nodes[from].Kind == GrammarNodeKind.Bytes && withBytes)
                    || (_nodes[from].Kind == GrammarNodeKind.Call && isRuleDone[_nodes[from].First]))
                {
                    Mark(from);
                }
            }

            foreach (int rule in _ruleAt.GetValueOrDefault(to) ?? [])
            {
                isRuleDone[rule] = true;
                foreach (int caller in _callers[rule] ?? [])
                {
                    if (ends[_nodes[caller].Count])
                    {
                        Mark(caller);
                    }
                }
            }
        }

        return ends;

        void Mark(int node)
        {
            if (!ends[node])
            {
                ends[node] = true;
                pending.Push(node);
            }
        }
    }

    private void Each(GrammarEdge[] edges, Action<int, int> way)
    {
        for (int node = 0; node < _nodes.Length; node++)
        {
            GrammarNode each = _nodes[node];
            if (each.Kind == GrammarNodeKind.Call)
            {
                way(node, each.Count);
            }
            else if (each.Kind != GrammarNodeKind.End)
            {
                foreach (GrammarEdge edge in edges.AsSpan(each.First, each.Count))
                {
                    way(node, edge.Target);
                }
            }
        }
    }
}
