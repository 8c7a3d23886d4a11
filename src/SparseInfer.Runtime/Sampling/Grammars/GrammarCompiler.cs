using System.Text;

namespace SparseInfer.Sampling;

/// <summary>Makes a <see cref="GrammarProgram"/> of rules. Each part is built before what leads to it, so that it knows where it goes on.</summary>
internal sealed class GrammarCompiler
{
    /// <summary>Most nodes and edges of a program, some tens of megabytes.</summary>
    private const int MaxSize = 1_000_000;

    /// <summary>Most parts of a rule inside each other: each takes some of the thread's stack.</summary>
    private const int MaxDepth = 600;

    private readonly GrammarRules _rules;
    private readonly List<GrammarNode> _nodes = [];
    private readonly List<GrammarEdge> _edges = [];
    private readonly List<int> _entries = [];

    /// <summary>Bodies that are repeated, as rules of their own: a copy is a call then.</summary>
    private readonly Queue<(int Rule, GrammarExpression Body)> _hoisted = [];

    private GrammarCompiler(GrammarRules rules) => _rules = rules;

    /// <summary>Compiles a grammar.</summary>
    /// <exception cref="GrammarException">It is too large, left-recursive, or has no end.</exception>
    public static GrammarProgram Compile(GrammarRules rules, int root)
    {
        // A copy: repeated parts get names here that are not the grammar's.
        var own = new GrammarRules();
        for (int i = 0; i < rules.Count; i++)
        {
            own[own.Name(rules[i].Name, rules[i].Line, rules[i].Column)].Body = rules[i].Body;
        }

        var compiler = new GrammarCompiler(own);
        return compiler.Compile(root);
    }

    private GrammarProgram Compile(int root)
    {
        int count = _rules.Count;
        for (int i = 0; i < count; i++)
        {
            AddEntry(i, _rules[i].Body!);
        }

        while (_hoisted.TryDequeue(out (int Rule, GrammarExpression Body) part))
        {
            AddEntry(part.Rule, part.Body);
        }

        return new GrammarProgram(_rules, [.. _nodes], [.. _edges], [.. _entries], root);
    }

    private void AddEntry(int rule, GrammarExpression body)
    {
        if (body.Depth > MaxDepth)
        {
            throw new GrammarException(
                $"The rule '{_rules[rule].Name}' has parts more than {MaxDepth} deep inside each other: repeat a part once, and give some of them rules of their own.", _rules[rule].Line, _rules[rule].Column);
        }

        while (_entries.Count <= rule)
        {
            _entries.Add(-1);
        }

        _entries[rule] = Build(body, Node(GrammarNodeKind.End, 0, 0));
    }

    /// <summary>Builds a part.</summary>
    /// <param name="expression">The part.</param>
    /// <param name="next">Where it goes on.</param>
    /// <returns>Where it begins.</returns>
    private int Build(GrammarExpression expression, int next)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                byte[] bytes = Encoding.UTF8.GetBytes(literal.Text);
                for (int i = bytes.Length - 1; i >= 0; i--)
                {
                    next = Node(GrammarNodeKind.Bytes, [new(bytes[i], bytes[i], next)]);
                }

                return next;
            case ClassExpression set:
                return BuildClass(set.Set, next);
            case SequenceExpression sequence:
                for (int i = sequence.Parts.Count - 1; i >= 0; i--)
                {
                    next = Build(sequence.Parts[i], next);
                }

                return next;
            case ChoiceExpression choice:
                return Split([.. choice.Alternatives.Select(alternative => Build(alternative, next))]);
            case RepeatExpression repeat:
                return BuildRepeat(repeat, next);
            case RuleExpression rule:
                return Node(GrammarNodeKind.Call, rule.Index, next);
            default:
                throw new InvalidOperationException($"There is no way to compile {expression.GetType().Name}.");
        }
    }

    private int BuildRepeat(RepeatExpression repeat, int next)
    {
        int copies = repeat.Most is { } most ? most : repeat.Least + 1;
        GrammarExpression body = copies > 1 ? Hoist(repeat.Body) : repeat.Body;
        int at = next;
        if (repeat.Most is null)
        {
            // The loop's node comes first, for its body to lead to.
            at = Node(GrammarNodeKind.Split, 0, 0);
            int entry = Build(body, at);
            _nodes[at] = new(GrammarNodeKind.Split, AddEdges([new(0, 0, entry), new(0, 0, next)]), 2);
        }
        else
        {
            for (int i = repeat.Least; i < repeat.Most; i++)
            {
                at = Split([Build(body, at), next]);
            }
        }

        for (int i = 0; i < repeat.Least; i++)
        {
            at = Build(body, at);
        }

        return at;
    }

    /// <summary>A part as a rule, where its copies would be larger than calls.</summary>
    private GrammarExpression Hoist(GrammarExpression body)
    {
        bool isSmall = body is RuleExpression || (body is LiteralExpression { Text.Length: <= 2 }) || (body is ClassExpression { Set.Ranges: [{ Last: < 0x80 }] });
        if (isSmall)
        {
            return body;
        }

        int rule = _rules.Name("a repeated part");
        _rules[rule].Body = body;
        _hoisted.Enqueue((rule, body));
        return GrammarExpression.Rule(rule);
    }

    private int BuildClass(CodePointSet set, int next)
    {
        List<(byte First, byte Last)[]> sequences = [];
        foreach ((int first, int last) in set.Ranges)
        {
            Utf8Ranges.Split(first, last, sequences);
        }

        // The same bytes at the end lead to one node.
        Dictionary<(byte First, byte Last, int Next), int> shared = [];
        List<GrammarEdge> edges = [];
        foreach ((byte First, byte Last)[] sequence in sequences)
        {
            int at = next;
            for (int i = sequence.Length - 1; i > 0; i--)
            {
                (byte, byte, int) key = (sequence[i].First, sequence[i].Last, at);
                at = shared.TryGetValue(key, out int node) ? node : shared[key] = Node(GrammarNodeKind.Bytes, [new(sequence[i].First, sequence[i].Last, at)]);
            }

            edges.Add(new(sequence[0].First, sequence[0].Last, at));
        }

        return Node(GrammarNodeKind.Bytes, [.. edges]);
    }

    private int Split(int[] targets) => Node(GrammarNodeKind.Split, [.. targets.Distinct().Select(target => new GrammarEdge(0, 0, target))]);

    private int Node(GrammarNodeKind kind, GrammarEdge[] edges) => Node(kind, AddEdges(edges), edges.Length);

    private int Node(GrammarNodeKind kind, int first, int count)
    {
        CheckSize();
        _nodes.Add(new(kind, first, count));
        return _nodes.Count - 1;
    }

    private int AddEdges(GrammarEdge[] edges)
    {
        _edges.AddRange(edges);
        CheckSize();
        return _edges.Count - edges.Length;
    }

    private void CheckSize()
    {
        if (_nodes.Count + _edges.Count > MaxSize)
        {
            throw new GrammarException($"The grammar is too large: with all its repetitions it has more than {MaxSize} steps. Repeat less, or write * or + for any number.");
        }
    }
}
