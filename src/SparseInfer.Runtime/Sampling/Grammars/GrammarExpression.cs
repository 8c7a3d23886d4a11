namespace SparseInfer.Sampling;

/// <summary>A part of a rule.</summary>
internal abstract record GrammarExpression
{
    /// <summary>Nothing.</summary>
    public static GrammarExpression Empty { get; } = new SequenceExpression([]);

    public static GrammarExpression Literal(string text) => new LiteralExpression(text);

    public static GrammarExpression Class(CodePointSet set) => new ClassExpression(set);

    /// <summary>One of the characters of a text.</summary>
    public static GrammarExpression AnyOf(string characters) => new ClassExpression(CodePointSet.Of(characters));

    /// <summary>A character from one to another.</summary>
    public static GrammarExpression Range(char first, char last) => new ClassExpression(CodePointSet.Of((first, last)));

    public static GrammarExpression Sequence(params IReadOnlyList<GrammarExpression> parts) => parts.Count == 1 ? parts[0] : new SequenceExpression(parts);

    public static GrammarExpression Choice(params IReadOnlyList<GrammarExpression> alternatives) => alternatives.Count == 1 ? alternatives[0] : new ChoiceExpression(alternatives);

    public static GrammarExpression Optional(GrammarExpression body) => new RepeatExpression(body, 0, 1);

    public static GrammarExpression Repeat(GrammarExpression body, int least, int? most) => new RepeatExpression(body, least, most);

    public static GrammarExpression Rule(int rule) => new RuleExpression(rule);

    /// <summary>How many parts are inside each other.</summary>
    public virtual int Depth => 0;

    /// <summary>The same, in a set of rules that begins later.</summary>
    /// <param name="by">How much later.</param>
    public abstract GrammarExpression Shift(int by);
}

/// <summary>A text as it is.</summary>
internal sealed record LiteralExpression(string Text) : GrammarExpression
{
    public override GrammarExpression Shift(int by) => this;
}

/// <summary>One character of a set.</summary>
internal sealed record ClassExpression(CodePointSet Set) : GrammarExpression
{
    public override GrammarExpression Shift(int by) => this;
}

/// <summary>Parts one after the other.</summary>
internal sealed record SequenceExpression(IReadOnlyList<GrammarExpression> Parts) : GrammarExpression
{
    public override int Depth { get; } = 1 + Parts.Select(part => part.Depth).DefaultIfEmpty().Max();

    public override GrammarExpression Shift(int by) => new SequenceExpression([.. Parts.Select(part => part.Shift(by))]);
}

/// <summary>One of several; of none, nothing can be matched.</summary>
internal sealed record ChoiceExpression(IReadOnlyList<GrammarExpression> Alternatives) : GrammarExpression
{
    public override int Depth { get; } = 1 + Alternatives.Select(alternative => alternative.Depth).DefaultIfEmpty().Max();

    public override GrammarExpression Shift(int by) => new ChoiceExpression([.. Alternatives.Select(alternative => alternative.Shift(by))]);
}

/// <summary>A part several times.</summary>
/// <param name="Body">The part.</param>
/// <param name="Least">At least.</param>
/// <param name="Most">At most; null: any number.</param>
internal sealed record RepeatExpression(GrammarExpression Body, int Least, int? Most) : GrammarExpression
{
    public override int Depth { get; } = 1 + Body.Depth;

    public override GrammarExpression Shift(int by) => new RepeatExpression(Body.Shift(by), Least, Most);
}

/// <summary>What a rule says.</summary>
/// <param name="Index">Its index.</param>
internal sealed record RuleExpression(int Index) : GrammarExpression
{
    public override GrammarExpression Shift(int by) => new RuleExpression(Index + by);
}
