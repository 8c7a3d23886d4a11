namespace SparseInfer.Text.ChatTemplates;

/// <summary>Reads a template into a tree, by the grammar of Jinja 3.1. What it does not know is refused, with the place and the word.</summary>
internal sealed class TemplateParser
{
    /// <summary>How deep brackets and blocks may nest.</summary>
    private const int MaxDepth = 200;

    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];
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
        if (Current.Is(TemplateTokenKind.Name, "recursive"))
        {
            throw new TemplateFault("a 'recursive' loop is not supported", Current.Offset);
        }

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
        return new For(target, items, condition, body, otherwise, word.Offset);
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

    /// <summary>One expression, or several with commas between, which are a tuple.</summary>
    private Expression ReadTuple(bool withCondition = true)
    {
        TemplateToken first = Current;
        Expression One() => withCondition ? ReadExpression() : ReadOr();
        Expression expression = One();
        if (!Current.Is(TemplateTokenKind.Operator, ","))
        {
            return expression;
        }

        List<Expression> items = [expression];
        while (SkipOperator(",") && !EndsTuple())
        {
            items.Add(One());
        }

        return new ListLiteral(items, isTuple: true, first.Offset);
    }

    private bool EndsTuple() => Current.Kind is TemplateTokenKind.VariableEnd or TemplateTokenKind.BlockEnd || Current.Is(TemplateTokenKind.Operator, ")");

    private Expression ReadExpression()
    {
        Deeper();
        Expression expression = ReadOr();
        while (Current.Is(TemplateTokenKind.Name, "if"))
        {
            int offset = Next().Offset;
            _conditions++;
            Expression condition = ReadOr();
            Expression? otherwise = SkipWord("else") ? ReadExpression() : null;
            _conditions--;
            expression = new Conditional(condition, expression, otherwise, offset);
        }

        _depth--;
        return expression;
    }

    private Expression ReadOr()
    {
        Expression left = ReadAnd();
        while (Current.Is(TemplateTokenKind.Name, "or"))
        {
            left = new Logical(isOr: true, left, offset: Next().Offset, right: ReadAnd());
        }

        return left;
    }

    private Expression ReadAnd()
    {
        Expression left = ReadNot();
        while (Current.Is(TemplateTokenKind.Name, "and"))
        {
            left = new Logical(isOr: false, left, offset: Next().Offset, right: ReadNot());
        }

        return left;
    }

    private Expression ReadNot()
    {
        if (!Current.Is(TemplateTokenKind.Name, "not"))
        {
            return ReadComparison();
        }

        Deeper();
        int offset = Next().Offset;
        Expression operand = ReadNot();
        _depth--;
        return new Not(operand, offset);
    }

    private Expression ReadComparison()
    {
        Expression first = ReadSum();
        int offset = Current.Offset;
        List<(string, Expression)> rest = [];
        while (true)
        {
            string? sign = Current.Kind == TemplateTokenKind.Operator && Comparisons.Contains(Current.Text) ? Current.Text
                : Current.Is(TemplateTokenKind.Name, "in") ? "in"
                : Current.Is(TemplateTokenKind.Name, "not") && _tokens[_at + 1].Is(TemplateTokenKind.Name, "in") ? "not in"
                : null;
            if (sign is null)
            {
                return rest.Count == 0 ? first : new Comparison(first, rest, offset);
            }

            _at += sign == "not in" ? 2 : 1;
            rest.Add((sign, ReadSum()));
        }
    }

    private Expression ReadSum() => ReadBinary(ReadConcatenation, "+", "-");

    private Expression ReadConcatenation()
    {
        Expression first = ReadProduct();
        int offset = Current.Offset;
        List<Expression> parts = [first];
        while (SkipOperator("~"))
        {
            parts.Add(ReadProduct());
        }

        return parts.Count == 1 ? first : new Concatenation(parts, offset);
    }

    private Expression ReadProduct() => ReadBinary(ReadPower, "*", "/", "//", "%");

    private Expression ReadPower() => ReadBinary(() => ReadUnary(), "**");

    private Expression ReadBinary(Func<Expression> readOperand, params ReadOnlySpan<string> signs)
    {
        Expression left = readOperand();
        while (Current.Kind == TemplateTokenKind.Operator && signs.Contains(Current.Text))
        {
            TemplateToken sign = Next();
            left = new Binary(sign.Text, left, readOperand(), sign.Offset);
        }

        return left;
    }

    private Expression ReadUnary(bool withFilters = true)
    {
        Expression expression;
        if (Current.Kind == TemplateTokenKind.Operator && Current.Text is "-" or "+")
        {
            Deeper();
            TemplateToken sign = Next();
            expression = new Signed(sign.Text == "-", ReadUnary(withFilters: false), sign.Offset);
            _depth--;
        }
        else
        {
            expression = ReadPrimary();
        }

        expression = ReadPostfix(expression);
        return withFilters ? ReadFiltersAndTests(expression) : expression;
    }

    private Expression ReadPrimary()
    {
        TemplateToken token = Next();
        switch (token.Kind)
        {
            case TemplateTokenKind.Name:
                switch (token.Text)
                {
                    case "true" or "True":
                        return new Literal(true, token.Offset);
                    case "false" or "False":
                        return new Literal(false, token.Offset);
                    case "none" or "None":
                        return new Literal(null, token.Offset);
                    default:
                        foreach (HashSet<string> names in _mentioned)
                        {
                            names.Add(token.Text);
                        }

                        return new Name(token.Text, token.Offset);
                }

            case TemplateTokenKind.String:
                List<string> parts = [token.Text];
                while (Current.Kind == TemplateTokenKind.String)
                {
                    parts.Add(Next().Text);
                }

                return new Literal(new TemplateText(string.Concat(parts)), token.Offset);
            case TemplateTokenKind.Integer:
                return new Literal(
                    Numbers.ParseWhole(token.Text, radix: 0) ?? throw new TemplateFault("the number is too long", token.Offset), token.Offset);
            case TemplateTokenKind.Float:
                return new Literal(Numbers.ParseFloat(token.Text), token.Offset);
            case TemplateTokenKind.Operator when token.Text is "(" or "[" or "{":
                Deeper();
                Expression bracketed = token.Text switch
                {
                    "(" => ReadParentheses(token),
                    "[" => new ListLiteral(ReadItems("]"), isTuple: false, token.Offset),
                    _ => ReadDict(token),
                };
                _depth--;
                return bracketed;
            default:
                throw new TemplateFault($"a value is missing: {token} is found", token.Offset);
        }
    }

    private Expression ReadParentheses(TemplateToken open)
    {
        if (SkipOperator(")"))
        {
            return new ListLiteral([], isTuple: true, open.Offset);
        }

        Expression inner = ReadTuple();
        ExpectOperator(")");
        return inner;
    }

    private List<Expression> ReadItems(string close)
    {
        List<Expression> items = [];
        while (!SkipOperator(close))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (SkipOperator(close))
                {
                    break;
                }
            }

            items.Add(ReadExpression());
        }

        return items;
    }

    private DictLiteral ReadDict(TemplateToken open)
    {
        List<(Expression, Expression)> items = [];
        while (!SkipOperator("}"))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (SkipOperator("}"))
                {
                    break;
                }
            }

            Expression key = ReadExpression();
            ExpectOperator(":");
            items.Add((key, ReadExpression()));
        }

        return new DictLiteral(items, open.Offset);
    }

    private Expression ReadPostfix(Expression expression)
    {
        while (Current.Kind == TemplateTokenKind.Operator)
        {
            TemplateToken sign = Current;
            switch (sign.Text)
            {
                case ".":
                    _at++;
                    TemplateToken member = Next();
                    expression = member.Kind switch
                    {
                        TemplateTokenKind.Name => new Attribute(expression, member.Text, member.Offset),
                        TemplateTokenKind.Integer => new Subscript(expression, new Literal(Numbers.ParseWhole(member.Text), member.Offset), member.Offset),
                        _ => throw new TemplateFault($"an attribute is missing: {member} is found", member.Offset),
                    };
                    break;
                case "[":
                    _at++;
                    expression = ReadSubscript(expression, sign.Offset);
                    break;
                case "(":
                    expression = new Call(expression, ReadArguments(), expression.Offset);
                    break;
                default:
                    return expression;
            }
        }

        return expression;
    }

    private Expression ReadSubscript(Expression owner, int offset)
    {
        Deeper();
        Expression? start = Current.Is(TemplateTokenKind.Operator, ":") ? null : ReadExpression();
        Expression result;
        if (!Current.Is(TemplateTokenKind.Operator, ":"))
        {
            if (Current.Is(TemplateTokenKind.Operator, ","))
            {
                throw new TemplateFault("several keys in '[...]' are not supported", Current.Offset);
            }

            result = new Subscript(owner, start!, offset);
        }
        else
        {
            _at++;
            Expression? stop = EndsBound() ? null : ReadExpression();
            Expression? step = SkipOperator(":") && !EndsBound() ? ReadExpression() : null;
            result = new Slice(owner, start, stop, step, offset);
        }

        ExpectOperator("]");
        _depth--;
        return result;

        bool EndsBound() => Current.Is(TemplateTokenKind.Operator, ":") || Current.Is(TemplateTokenKind.Operator, "]");
    }

    private Expression ReadFiltersAndTests(Expression expression)
    {
        while (true)
        {
            if (SkipOperator("|"))
            {
                expression = ReadFilter(expression, ExpectName("a filter"));
            }
            else if (Current.Is(TemplateTokenKind.Name, "is"))
            {
                expression = ReadTest(expression);
            }
            else if (Current.Is(TemplateTokenKind.Operator, "("))
            {
                expression = new Call(expression, ReadArguments(), expression.Offset);
            }
            else
            {
                return expression;
            }
        }
    }

    private List<Filter> ReadFilters()
    {
        List<Filter> filters = [];
        while (SkipOperator("|"))
        {
            filters.Add(ReadFilter(null, ExpectName("a filter")));
        }

        return filters;
    }

    private Filter ReadFilter(Expression? input, TemplateToken name)
    {
        if (_conditions == 0 && !Filters.All.ContainsKey(name.Text))
        {
            throw new TemplateFault(Filters.Unknown(name.Text).Message, name.Offset);
        }

        return new Filter(input, name.Text, Current.Is(TemplateTokenKind.Operator, "(") ? ReadArguments() : ArgumentList.None, name.Offset);
    }

    private Expression ReadTest(Expression input)
    {
        _at++;
        bool negated = SkipWord("not");
        TemplateToken name = ExpectName("a test");
        if (_conditions == 0 && !Tests.All.ContainsKey(name.Text))
        {
            throw new TemplateFault(Tests.Unknown(name.Text).Message, name.Offset);
        }

        ArgumentList arguments = ArgumentList.None;
        if (Current.Is(TemplateTokenKind.Operator, "("))
        {
            arguments = ReadArguments();
        }
        else if (Current.Is(TemplateTokenKind.Name, "is"))
        {
            throw new TemplateFault("a test behind a test needs brackets", Current.Offset);
        }
        else if (Current.Kind is TemplateTokenKind.String or TemplateTokenKind.Integer or TemplateTokenKind.Float
            || (Current.Kind == TemplateTokenKind.Name && Current.Text is not ("else" or "or" or "and"))
            || (Current.Kind == TemplateTokenKind.Operator && Current.Text is "[" or "{"))
        {
            // As in Jinja, whatever can be an argument is one, but for the words by which an expression goes on.
            if (Current.Kind != TemplateTokenKind.Name || Current.Text is not ("if" or "not" or "in" or "recursive"))
            {
                arguments = new ArgumentList([ReadPostfix(ReadPrimary())], []);
            }
        }

        Expression test = new Test(input, name.Text, arguments, name.Offset);
        return negated ? new Not(test, name.Offset) : test;
    }

    private ArgumentList ReadArguments()
    {
        Deeper();
        ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? spread = null;
        Expression? spreadNamed = null;
        bool any = false;
        while (!SkipOperator(")"))
        {
            if (any)
            {
                ExpectOperator(",");
                if (SkipOperator(")"))
                {
                    break;
                }
            }

            any = true;
            TemplateToken token = Current;
            if (token.Is(TemplateTokenKind.Operator, "*") && spread is null && spreadNamed is null)
            {
                _at++;
                spread = ReadExpression();
            }
            else if (token.Is(TemplateTokenKind.Operator, "**") && spreadNamed is null)
            {
                _at++;
                spreadNamed = ReadExpression();
            }
            else if (token.Kind == TemplateTokenKind.Name && _tokens[_at + 1].Is(TemplateTokenKind.Operator, "=") && spreadNamed is null)
            {
                _at += 2;
                named.Add((token.Text, ReadExpression()));
            }
            else if (named.Count == 0 && spread is null && spreadNamed is null)
            {
                positional.Add(ReadExpression());
            }
            else
            {
                throw new TemplateFault("an argument without a name stands behind one with a name", token.Offset);
            }
        }

        _depth--;
        return new ArgumentList(positional, named, spread, spreadNamed);
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
