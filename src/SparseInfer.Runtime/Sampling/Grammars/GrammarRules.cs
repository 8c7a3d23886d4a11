namespace SparseInfer.Sampling;

/// <summary>Rules of a grammar, as they are written. What a rule says may be given after it was named.</summary>
internal sealed class GrammarRules
{
    private readonly List<GrammarRule> _rules = [];

    /// <summary>How many there are.</summary>
    public int Count => _rules.Count;

    public GrammarRule this[int rule] => _rules[rule];

    /// <summary>Names a rule that says nothing yet.</summary>
    /// <returns>Its index.</returns>
    public int Name(string name, int line = 0, int column = 0)
    {
        _rules.Add(new(name, line, column));
        return _rules.Count - 1;
    }

    /// <summary>Adds a rule.</summary>
    /// <returns>What stands for it.</returns>
    public GrammarExpression Add(string name, GrammarExpression body)
    {
        int rule = Name(name);
        _rules[rule].Body = body;
        return GrammarExpression.Rule(rule);
    }

    /// <summary>Takes another grammar's rules in.</summary>
    /// <returns>What stands for its root.</returns>
    public GrammarExpression Include(Grammar other)
    {
        int by = _rules.Count;
        for (int i = 0; i < other.Rules.Count; i++)
        {
            GrammarRule rule = other.Rules[i];
            _rules.Add(new(rule.Name, rule.Line, rule.Column) { Body = rule.Body!.Shift(by) });
        }

        return GrammarExpression.Rule(other.Root + by);
    }
}

/// <summary>A rule.</summary>
/// <param name="name">What errors call it.</param>
/// <param name="line">Where it is written, from 1; 0: nowhere.</param>
/// <param name="column">In its line, from 1.</param>
internal sealed class GrammarRule(string name, int line, int column)
{
    public string Name => name;

    public int Line => line;

    public int Column => column;

    /// <summary>What it says.</summary>
    public GrammarExpression? Body { get; set; }
}
