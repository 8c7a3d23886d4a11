namespace SparseInfer.Text.ChatTemplates;

/// <summary>What has a value.</summary>
/// <param name="offset">Where it is in the source.</param>
internal abstract class Expression(int offset)
{
    public int Offset { get; } = offset;

    /// <summary>The value. Only <see cref="Rendering.Evaluate"/> calls it.</summary>
    public abstract object? Evaluate(Rendering rendering, Scope scope);
}

internal sealed class Literal(object? value, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) => value;
}

internal sealed class Name(string name, int offset) : Expression(offset)
{
    public string Text { get; } = name;

    public override object? Evaluate(Rendering rendering, Scope scope) =>
        scope.TryGet(Text, out object? value) ? value
        : Functions.All.TryGetValue(Text, out Builtin? function) ? function
        : new UndefinedValue($"'{Text}' is undefined");
}

internal sealed class ListLiteral(IReadOnlyList<Expression> items, bool isTuple, int offset) : Expression(offset)
{
    public IReadOnlyList<Expression> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;

    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        List<object?> values = [.. Items.Select(item => rendering.Evaluate(item, scope))];
        return IsTuple ? new TupleValue([.. values]) : new ListValue(values);
    }
}

internal sealed class DictLiteral(IReadOnlyList<(Expression Key, Expression Value)> items, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        var dict = new DictValue();
        foreach ((Expression key, Expression value) in items)
        {
            object? name = rendering.Evaluate(key, scope);
            rendering.Budget.SpendOn(name);
            dict.Items[DictValue.ToKey(name)] = rendering.Evaluate(value, scope);
        }

        return dict;
    }
}

/// <summary><c>a if b else c</c>; without c, undefined.</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) =>
        Values.IsTrue(rendering.Evaluate(condition, scope)) ? rendering.Evaluate(then, scope)
        : otherwise is not null ? rendering.Evaluate(otherwise, scope)
        : new UndefinedValue("an 'if' without 'else' has no value here");
}

/// <summary><c>and</c>, <c>or</c>: the operand that decides.</summary>
internal sealed class Logical(bool isOr, Expression left, Expression right, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        object? value = rendering.Evaluate(left, scope);
        return Values.IsTrue(value) == isOr ? value : rendering.Evaluate(right, scope);
    }
}

internal sealed class Not(Expression operand, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) => !Values.IsTrue(rendering.Evaluate(operand, scope));
}

/// <summary><c>-a</c>, <c>+a</c>.</summary>
internal sealed class Signed(bool isMinus, Expression operand, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) => rendering.Evaluate(operand, scope) switch
    {
        UndefinedValue undefined => throw undefined.Fault(),
        var value when Numbers.Is(value) => isMinus ? Numbers.Negate(value!) : Numbers.Compute("+", value!, 0L),
        var other => throw new TemplateFault($"a {Values.TypeOf(other)} has no sign"),
    };
}

internal sealed class Binary(string sign, Expression left, Expression right, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) =>
        Arithmetic.Compute(sign, rendering.Evaluate(left, scope), rendering.Evaluate(right, scope), rendering.Budget);
}

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed class Concatenation(IReadOnlyList<Expression> parts, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        var text = new TemplateTextBuilder(rendering.Budget);
        foreach (Expression part in parts)
        {
            text.Append(Printing.Show(rendering.Evaluate(part, scope), rendering.Budget));
        }

        return text.ToText();
    }
}

/// <summary><c>a &lt; b &lt;= c</c>: each neighbour with the next, until one fails.</summary>
internal sealed class Comparison(Expression first, IReadOnlyList<(string Sign, Expression Operand)> rest, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        object? left = rendering.Evaluate(first, scope);
        foreach ((string sign, Expression operand) in rest)
        {
            object? right = rendering.Evaluate(operand, scope);
            if (!Arithmetic.Holds(sign, left, right, rendering.Budget))
            {
                return false;
            }

            left = right;
        }

        return true;
    }
}

/// <summary><c>a.name</c>.</summary>
internal sealed class Attribute(Expression owner, string name, int offset) : Expression(offset)
{
    public Expression Owner { get; } = owner;

    public string Name { get; } = name;

    public override object? Evaluate(Rendering rendering, Scope scope) => Items.Attribute(rendering.Evaluate(Owner, scope), Name);
}

/// <summary><c>a[key]</c>.</summary>
internal sealed class Subscript(Expression owner, Expression key, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) =>
        Items.Item(rendering.Evaluate(owner, scope), rendering.Evaluate(key, scope), rendering.Budget);
}

/// <summary><c>a[start:stop:step]</c>.</summary>
internal sealed class Slice(Expression owner, Expression? start, Expression? stop, Expression? step, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        object? value = rendering.Evaluate(owner, scope);
        return Items.Slice(value, Bound(start), Bound(stop), Bound(step), rendering.Budget);

        long? Bound(Expression? bound) => (bound is null ? null : rendering.Evaluate(bound, scope)) switch
        {
            null => null,
            long number => number,
            bool truth => truth ? 1 : 0,
            UndefinedValue undefined => throw undefined.Fault(),
            var other => throw new TemplateFault($"a slice is bounded by int, not by {Values.TypeOf(other)}"),
        };
    }
}

/// <summary>Arguments of a call, to be evaluated.</summary>
/// <param name="Positional">By place.</param>
/// <param name="Named">By name.</param>
/// <param name="Spread">A list of more: <c>*a</c>.</param>
/// <param name="SpreadNamed">A dictionary of more: <c>**a</c>.</param>
internal sealed record ArgumentList(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Spread = null, Expression? SpreadNamed = null)
{
    public static readonly ArgumentList None = new([], []);

    public CallArguments Evaluate(Rendering rendering, Scope scope)
    {
        List<object?> positional = [.. Positional.Select(argument => rendering.Evaluate(argument, scope))];
        List<(TemplateText, object?)> named = [.. Named.Select(argument => (new TemplateText(argument.Name), rendering.Evaluate(argument.Value, scope)))];
        if (Spread is not null)
        {
            IReadOnlyList<object?> more = Values.Items(rendering.Evaluate(Spread, scope), rendering.Budget);
            rendering.Budget.Spend(more.Count);
            positional.AddRange(more);
        }

        if (SpreadNamed is not null)
        {
            object? more = rendering.Evaluate(SpreadNamed, scope);
            rendering.Budget.Spend((more as DictValue)?.Items.Count ?? 0);
            named.AddRange(more is DictValue dict
                ? dict.Items.Select(pair => (pair.Key as TemplateText ?? throw new TemplateFault("the keys after '**' must be str"), pair.Value))
                : throw new TemplateFault($"'**' needs a dict, not a {Values.TypeOf(more)}"));
        }

        return new CallArguments(positional, named);
    }
}

/// <summary><c>f(a, b=c)</c>.</summary>
internal sealed class Call(Expression callee, ArgumentList arguments, int offset) : Expression(offset)
{
    public override object? Evaluate(Rendering rendering, Scope scope) => Evaluate(rendering, scope, null);

    /// <summary>The value, with a block for the macro to call back.</summary>
    public object? Evaluate(Rendering rendering, Scope scope, Macro? caller)
    {
        object? function = rendering.Evaluate(callee, scope);
        if (function is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        CallArguments given = arguments.Evaluate(rendering, scope);
        if (caller is not null)
        {
            given.Named.Add((new TemplateText("caller"), caller));
        }

        return rendering.Call(function, given);
    }
}

/// <summary><c>a | name(b)</c>.</summary>
/// <param name="input">What is filtered; null: the text of a block, which is given.</param>
/// <param name="name">The filter's name.</param>
/// <param name="arguments">Its arguments.</param>
/// <param name="offset">Where it is in the source.</param>
internal sealed class Filter(Expression? input, string name, ArgumentList arguments, int offset) : Expression(offset)
{
    private readonly Builtin? _filter = Filters.All.GetValueOrDefault(name);

    public override object? Evaluate(Rendering rendering, Scope scope) => Apply(rendering, scope, rendering.Evaluate(input!, scope));

    /// <summary>What the filter makes of a value.</summary>
    public object? Apply(Rendering rendering, Scope scope, object? value) =>
        (_filter ?? throw Filters.Unknown(name)).Call(rendering, value, arguments.Evaluate(rendering, scope));
}

/// <summary>A filter behind another, of a block's text.</summary>
internal sealed class FilterChain(IReadOnlyList<Filter> filters)
{
    public object? Apply(Rendering rendering, Scope scope, object? value) =>
        filters.Aggregate(value, (filtered, filter) => filter.Apply(rendering, scope, filtered));
}

/// <summary><c>a is name(b)</c>.</summary>
internal sealed class Test(Expression input, string name, ArgumentList arguments, int offset) : Expression(offset)
{
    private readonly Builtin? _test = Tests.All.GetValueOrDefault(name);

    public override object? Evaluate(Rendering rendering, Scope scope)
    {
        object? value = rendering.Evaluate(input, scope);
        return (_test ?? throw Tests.Unknown(name)).Call(rendering, value, arguments.Evaluate(rendering, scope));
    }
}
