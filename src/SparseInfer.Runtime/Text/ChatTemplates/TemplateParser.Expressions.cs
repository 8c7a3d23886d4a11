namespace SparseInfer.Text.ChatTemplates;

/// <content>Expressions, from the loosest operator to the tightest.</content>
internal sealed partial class TemplateParser
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

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
            // As in Jinja, whatever can be an argument is one, 'if' and 'not' too: they need brackets around the test.
            arguments = new ArgumentList([ReadPostfix(ReadPrimary())], []);
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
}
