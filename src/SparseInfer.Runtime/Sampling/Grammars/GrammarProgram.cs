namespace SparseInfer.Sampling;

/// <summary>What a node of a <see cref="GrammarProgram"/> does.</summary>
internal enum GrammarNodeKind : byte
{
    /// <summary>Takes a byte and goes on at the edge's target.</summary>
    Bytes,

    /// <summary>Goes on at any of its targets; of none, nowhere.</summary>
    Split,

    /// <summary>Goes through a rule, and on behind it.</summary>
    Call,

    /// <summary>Ends its rule.</summary>
    End,
}

/// <summary>A node.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="First">Of bytes and splits the first edge; of a call its rule.</param>
/// <param name="Count">Of bytes and splits how many edges; of a call the node behind it.</param>
internal readonly record struct GrammarNode(GrammarNodeKind Kind, int First, int Count);

/// <summary>Where a byte leads, or a split.</summary>
internal readonly record struct GrammarEdge(byte First, byte Last, int Target);

/// <summary>A call that can be reached without a byte.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Return">The node behind it.</param>
/// <param name="IsTail">Whether nothing is behind it but the rule's end: nothing has to be remembered then, so that <c>list ::= item list | ""</c> does not grow.</param>
internal readonly record struct GrammarCall(int Rule, int Return, bool IsTail);

/// <summary>What can be reached from a node without a byte, in its own rule.</summary>
/// <param name="Bytes">Nodes that take a byte.</param>
/// <param name="Calls">Calls.</param>
/// <param name="MayEnd">Whether the rule may end there.</param>
internal sealed record GrammarClosure(int[] Bytes, GrammarCall[] Calls, bool MayEnd);

/// <summary>
/// A grammar over UTF-8 bytes, as a machine that calls rules: what a grammar says of characters is compiled to their bytes, so that tokens with parts of characters need no
/// care, and no text is cut inside one.
/// </summary>
internal sealed class GrammarProgram
{
    /// <summary>Most that a node may reach without a byte.</summary>
    private const int MaxClosure = 20_000;

    private readonly GrammarNode[] _nodes;
    private readonly GrammarEdge[] _edges;
    private readonly int[] _entries;
    private readonly bool[] _isNullable;
    private readonly bool[] _isProductive;
    private readonly GrammarClosure?[] _closures;

    /// <summary>Takes what was compiled.</summary>
    /// <param name="rules">The rules, for errors.</param>
    /// <param name="nodes">Nodes.</param>
    /// <param name="edges">Their edges.</param>
    /// <param name="entries">Each rule's first node.</param>
    /// <param name="root">The rule that texts follow.</param>
    /// <exception cref="GrammarException">A rule begins with itself, or the root has no end.</exception>
    public GrammarProgram(GrammarRules rules, GrammarNode[] nodes, GrammarEdge[] edges, int[] entries, int root)
    {
        _nodes = nodes;
        _edges = edges;
        _entries = entries;
        Root = root;
        _closures = new GrammarClosure?[nodes.Length];
        var reach = new GrammarReach(nodes, edges, entries);
        bool[] emptied = reach.EndsFrom(withBytes: false);
        _isNullable = [.. entries.Select(entry => emptied[entry])];
        _isProductive = reach.EndsFrom(withBytes: true);
        if (!_isProductive[entries[root]])
        {
            throw new GrammarException($"No text ends by the rule '{rules[root].Name}': it goes on for ever.", rules[root].Line, rules[root].Column);
        }

        Order = GrammarOrder.Of(rules, rule => [.. EntryOf(rule).Calls.Select(call => call.Rule)]);
        (ClassOf, Representatives) = Classes(edges);
    }

    /// <summary>The rule that texts follow.</summary>
    public int Root { get; }

    /// <summary>How many rules.</summary>
    public int RuleCount => _entries.Length;

    /// <summary>Each rule's place in an order in which rules come before those that they may begin with.</summary>
    public int[] Order { get; }

    /// <summary>Whether the empty text follows the grammar.</summary>
    public bool IsEmptyAllowed => _isNullable[Root];

    /// <summary>Bytes that no node tells apart are one class.</summary>
    public byte[] ClassOf { get; }

    /// <summary>A byte of each class.</summary>
    public byte[] Representatives { get; }

    /// <summary>Edges of a node that takes a byte.</summary>
    public ReadOnlySpan<GrammarEdge> EdgesOf(int node) => _edges.AsSpan(_nodes[node].First, _nodes[node].Count);

    /// <summary>Whether an end can be reached from a node.</summary>
    public bool IsProductive(int node) => _isProductive[node];

    /// <summary>What can be reached from where a rule begins. That it may end there is its callers' to know: what is behind a call of a rule that may be empty is reached without it.</summary>
    public GrammarClosure EntryOf(int rule) => ClosureOf(_entries[rule]);

    /// <summary>What can be reached from a node without a byte.</summary>
    /// <exception cref="GrammarException">Too much.</exception>
    public GrammarClosure ClosureOf(int node) => Volatile.Read(ref _closures[node]) ?? FindClosure(node);

    private GrammarClosure FindClosure(int from)
    {
        List<int> bytes = [];
        List<GrammarCall> calls = [];
        bool mayEnd = false;
        HashSet<int> seen = [from];
        var pending = new Stack<int>(seen);
        while (pending.TryPop(out int at))
        {
            GrammarNode node = _nodes[at];
            switch (node.Kind)
            {
                case GrammarNodeKind.Bytes when _isProductive[at]:
                    bytes.Add(at);
                    break;
                case GrammarNodeKind.Split:
                    foreach (GrammarEdge edge in EdgesOf(at))
                    {
                        Go(edge.Target);
                    }

                    break;
                case GrammarNodeKind.Call when _isProductive[at]:
                    calls.Add(new(node.First, node.Count, IsEnd(node.Count)));
                    if (_isNullable[node.First])
                    {
                        Go(node.Count);
                    }

                    break;
                case GrammarNodeKind.End:
                    mayEnd = true;
                    break;
            }
        }

        var closure = new GrammarClosure([.. bytes], [.. calls], mayEnd);
        Volatile.Write(ref _closures[from], closure);
        return closure;

        void Go(int target)
        {
            if (seen.Add(target))
            {
                pending.Push(target);
                if (seen.Count > MaxClosure)
                {
                    throw new GrammarException($"The grammar may leave out more than {MaxClosure} parts in a row: repeat parts that are not empty, and fewer of them.");
                }
            }
        }
    }

    /// <summary>Whether a node is nothing but the end of its rule.</summary>
    private bool IsEnd(int node) => _nodes[node].Kind == GrammarNodeKind.End;

    private static (byte[] ClassOf, byte[] Representatives) Classes(GrammarEdge[] edges)
    {
        bool[] begins = new bool[257];
        foreach (GrammarEdge edge in edges)
        {
            begins[edge.First] = true;
            begins[edge.Last + 1] = true;
        }

        byte[] classOf = new byte[256];
        List<byte> representatives = [];
        for (int value = 0; value < 256; value++)
        {
            if (value == 0 || begins[value])
            {
                representatives.Add((byte)value);
            }

            classOf[value] = (byte)(representatives.Count - 1);
        }

        return (classOf, [.. representatives]);
    }
}
