namespace SparseInfer.Text.ChatTemplates;

/// <summary>Reads a template into a tree, by the grammar of Jinja 3.1. What it does not know is refused, with the place and the word.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>How deep brackets and blocks may nest.</summary>
    private const int MaxDepth = 200;

    private static readonly string[] Statements =
        ["if", "for", "set", "macro", "call", "filter", "with", "generation", "break", "continue", "raw"];

    private readonly List<TemplateToken> _tokens;
    private int _at;
    private int _depth;
    private int _loops;

    /// <summary>How many conditions are around: below one, Jinja looks a filter up only when it is used.</summary>
    private int _conditions;

    /// <summary>Names mentioned in each macro that is being read.</summary>
    private readonly Stack<HashSet<string>> _mentioned = new();

    private TemplateParser(List<TemplateToken> tokens) => _tokens = tokens;

    private TemplateToken Current => _tokens[_at];

    /// <summary>Reads a normalized source.</summary>
    /// <exception cref="TemplateFault">It is no template.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Run(source));
        return parser.ReadBody(within: null, out _);
    }

    /// <summary>Statements up to one of some words, which is read with its tag's begin, but not the tag's end.</summary>
    private List<Statement> ReadBody(TemplateToken? within, out string end, params string[] ends)
    {
        Deeper();
        List<Statement> body = [];
        while (true)
        {
            TemplateToken token = Next();
            switch (token.Kind)
            {
                case TemplateTokenKind.Data:
                    body.Add(new Data(token.Text, token.Offset));
                    break;
                case TemplateTokenKind.VariableBegin:
                    body.Add(new Print(ReadTuple(), token.Offset));
                    Expect(TemplateTokenKind.VariableEnd, "}}");
                    break;
                case TemplateTokenKind.BlockBegin:
                    TemplateToken word = ExpectName("a statement");
                    if (ends.Contains(word.Text))
                    {
                        end = word.Text;
                        _depth--;
                        return body;
                    }

                    body.Add(ReadStatement(word, within));
                    break;
                default:
                    if (within is { } open)
                    {
                        throw new TemplateFault($"'{open.Text}' does not end: '{{% {ends[^1]} %}}' is missing", open.Offset);
                    }

                    end = "";
                    _depth--;
                    return body;
            }
        }
    }

    private Statement ReadStatement(TemplateToken word, TemplateToken? within)
    {
        switch (word.Text)
        {
            case "if":
                return ReadIf(word);
            case "for":
                return ReadFor(word);
            case "set":
                return ReadSet(word);
            case "macro":
                return ReadMacro(word);
            case "call":
                return ReadCall(word);
            case "filter":
                TemplateToken first = Current;
                List<Filter> filters = [ReadFilter(null, ExpectName("a filter"))];
                var chain = new FilterChain([.. filters, .. ReadFilters()]);
                EndBlock();
                return new FilterBlock(chain, ReadBlock(word, "endfilter"), first.Offset);
            case "with":
                return ReadWith(word);
            case "generation":
                EndBlock();
                return new With([], ReadBlock(word, "endgeneration"), word.Offset);
            case "break" or "continue" when _loops > 0:
                EndBlock();
                return new Jump(word.Text == "break" ? Flow.Break : Flow.Continue, word.Offset);
            case "break" or "continue":
                throw new TemplateFault($"'{word.Text}' is in no loop", word.Offset);
            default:
                if (word.Text.StartsWith("end", StringComparison.Ordinal) || word.Text is "else" or "elif")
                {
                    throw new TemplateFault($"'{word.Text}' closes nothing{(within is { } open ? $"; open is '{open.Text}'" : "")}", word.Offset);
                }

                throw new TemplateFault($"the statement '{word.Text}' is not supported{Nearest.Of(word.Text, Statements)}", word.Offset);
        }
    }

    private If ReadIf(TemplateToken word)
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        _conditions++;
        string end = "if";
        while (end != "endif")
        {
            Expression? condition = end == "else" ? null : ReadTuple();
            EndBlock();
            List<Statement> body = condition is null
                ? ReadBody(word, out end, "endif")
                : ReadBody(word, out end, "elif", "else", "endif");
            branches.Add((condition, body));
        }

        EndBlock();
        _conditions--;
        return new If(branches, word.Offset);
    }

    private For ReadFor(TemplateToken word)
    {
        Expression target = ReadTarget(withAttributes: false);
        ExpectWord("in");
        Expression items = ReadTuple(withCondition: false);
        Expression? condition = SkipWord("if") ? ReadExpression() : null;
        bool isRecursive = SkipWord("recursive");
        EndBlock();
        _loops++;
        List<Statement> body = ReadBody(word, out string end, "else", "endfor");
        _loops--;
        List<Statement> otherwise = [];
        if (end == "else")
        {
            EndBlock();
            otherwise = ReadBody(word, out _, "endfor");
        }

        EndBlock();
        return new For(target, items, condition, isRecursive, body, otherwise, word.Offset);
    }

    private Statement ReadSet(TemplateToken word)
    {
        Expression target = ReadTarget(withAttributes: true);
        if (SkipOperator("="))
        {
            Expression value = ReadTuple();
            EndBlock();
            return new Assignment(target, value, word.Offset);
        }

        var filters = new FilterChain(ReadFilters());
        EndBlock();
        return new BlockAssignment(target, filters, ReadBlock(word, "endset"), word.Offset);
    }

    private MacroDefinition ReadMacro(TemplateToken word)
    {
        string name = ExpectName("the macro's name").Text;
        return new MacroDefinition(ReadShape(word, name, "endmacro", ReadParameters), word.Offset);
    }

    private CallBlock ReadCall(TemplateToken word)
    {
        Call? call = null;
        MacroShape shape = ReadShape(word, "caller", "endcall", () =>
        {
            List<(string, Expression?)> parameters = Current.Is(TemplateTokenKind.Operator, "(") ? ReadParameters() : [];
            call = ReadExpression() as Call ?? throw new TemplateFault("'call' needs a call of a macro", word.Offset);
            return parameters;
        });
        return new CallBlock(call!, shape, word.Offset);
    }

    /// <summary>A macro from its parameters to its end. Loops around it are not its own.</summary>
    private MacroShape ReadShape(TemplateToken word, string name, string end, Func<List<(string, Expression?)>> readParameters)
    {
        (int loops, _loops) = (_loops, 0);
        HashSet<string> mentioned = [];
        _mentioned.Push(mentioned);
        List<(string, Expression?)> parameters = readParameters();
        EndBlock();
        List<Statement> body = ReadBlock(word, end);
        _mentioned.Pop();
        _loops = loops;
        return new MacroShape(name, parameters, body, mentioned);
    }

    private List<(string, Expression?)> ReadParameters()
    {
        ExpectOperator("(");
        List<(string, Expression?)> parameters = [];
        while (!SkipOperator(")"))
        {
            if (parameters.Count > 0)
            {
                ExpectOperator(",");
                if (SkipOperator(")"))
                {
                    break;
                }
            }

            TemplateToken name = ExpectName("a parameter");
            Expression? byDefault = SkipOperator("=") ? ReadExpression() : null;
            if (byDefault is null && parameters.Count > 0 && parameters[^1].Item2 is not null)
            {
                throw new TemplateFault($"parameter '{name.Text}' has no default, but one before it has", name.Offset);
            }

            parameters.Add((name.Text, byDefault));
        }

        return parameters;
    }

    private With ReadWith(TemplateToken word)
    {
        List<(Expression, Expression)> names = [];
        while (Current.Kind != TemplateTokenKind.BlockEnd)
        {
            if (names.Count > 0)
            {
                ExpectOperator(",");
            }

            Expression target = ReadTarget(withAttributes: false);
            ExpectOperator("=");
            names.Add((target, ReadExpression()));
        }

        EndBlock();
        return new With(names, ReadBlock(word, "endwith"), word.Offset);
    }

    private List<Statement> ReadBlock(TemplateToken word, string end)
    {
        List<Statement> body = ReadBody(word, out _, end);
        EndBlock();
        return body;
    }

    /// <summary>What is set: a name, several, or an attribute.</summary>
    private Expression ReadTarget(bool withAttributes)
    {
        TemplateToken first = Current;
        List<Expression> targets = [];
        bool several = false;
        do
        {
            if (targets.Count > 0 && Current.Kind != TemplateTokenKind.Name && !Current.Is(TemplateTokenKind.Operator, "("))
            {
                break;
            }

            targets.Add(ReadOneTarget(withAttributes));
            several |= Current.Is(TemplateTokenKind.Operator, ",");
        }
        while (SkipOperator(","));

        return several ? new ListLiteral(targets, isTuple: true, first.Offset) : targets[0];
    }

    private Expression ReadOneTarget(bool withAttributes)
    {
        if (SkipOperator("("))
        {
            Deeper();
            Expression inner = ReadTarget(withAttributes);
            ExpectOperator(")");
            _depth--;
            return inner;
        }

        TemplateToken name = ExpectName("a name to set");
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
        {
            throw new TemplateFault($"'{name.Text}' cannot be set", name.Offset);
        }

        Expression target = new Name(name.Text, name.Offset);
        return withAttributes && SkipOperator(".")
            ? new Attribute(target, ExpectName("an attribute").Text, name.Offset)
            : target;
    }

    /// <summary>One level down.</summary>
    private void Deeper()
    {
        if (++_depth > MaxDepth)
        {
            throw new TemplateFault($"brackets and blocks are nested more than {MaxDepth} deep", Current.Offset);
        }
    }

    private TemplateToken Next() => Current.Kind == TemplateTokenKind.End ? Current : _tokens[_at++];

    private bool SkipOperator(string text)
    {
        bool found = Current.Is(TemplateTokenKind.Operator, text);
        _at += found ? 1 : 0;
        return found;
    }

    private bool SkipWord(string text)
    {
        bool found = Current.Is(TemplateTokenKind.Name, text);
        _at += found ? 1 : 0;
        return found;
    }

    private void EndBlock() => Expect(TemplateTokenKind.BlockEnd, "%}");

    private void Expect(TemplateTokenKind kind, string what)
    {
        if (Current.Kind != kind)
        {
            throw new TemplateFault($"'{what}' is missing: {Current} is found", Current.Offset);
        }

        _at++;
    }

    private void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
        {
            throw new TemplateFault($"'{text}' is missing: {Current} is found", Current.Offset);
        }
    }

    private void ExpectWord(string text)
    {
        if (!SkipWord(text))
        {
            throw new TemplateFault($"'{text}' is missing: {Current} is found", Current.Offset);
        }
    }

    private TemplateToken ExpectName(string what) => Current.Kind == TemplateTokenKind.Name
        ? Next()
        : throw new TemplateFault($"{what} is missing: {Current} is found", Current.Offset);
}
