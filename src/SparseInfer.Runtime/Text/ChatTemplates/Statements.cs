namespace SparseInfer.Text.ChatTemplates;

/// <summary>What is executed: it prints, or sets.</summary>
/// <param name="offset">Where it is in the source.</param>
internal abstract class Statement(int offset)
{
    public int Offset { get; } = offset;

    /// <summary>Runs it. Only <see cref="Rendering.Execute"/> calls it.</summary>
    public abstract Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output);
}

/// <summary>Text as it stands.</summary>
internal sealed class Data(string text, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        output.Append(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ a }}</c>.</summary>
internal sealed class Print(Expression value, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        output.Append(Printing.Show(rendering.Evaluate(value, scope), rendering.Budget));
        return Flow.Next;
    }
}

/// <summary><c>if</c>, <c>elif</c>, <c>else</c>. What a branch sets is seen behind it.</summary>
internal sealed class If(IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> branches, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        foreach ((Expression? condition, IReadOnlyList<Statement> body) in branches)
        {
            if (condition is null || Values.IsTrue(rendering.Evaluate(condition, scope)))
            {
                return rendering.Execute(body, scope, output);
            }
        }

        return Flow.Next;
    }
}

/// <summary><c>for target in items if condition recursive</c>, <c>else</c>. Each turn has variables of its own.</summary>
internal sealed class For(
    Expression target,
    Expression items,
    Expression? condition,
    bool isRecursive,
    IReadOnlyList<Statement> body,
    IReadOnlyList<Statement> otherwise,
    int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output) =>
        Walk(rendering.Evaluate(items, scope), 0, rendering, scope, output);

    private Flow Walk(object? all, int depth, Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        rendering.Budget.SpendOn(all);
        List<object?> walked = [.. Values.Items(all, rendering.Budget)];
        if (condition is not null)
        {
            walked.RemoveAll(item =>
            {
                var candidate = new Scope(scope);
                Assignment.Set(target, item, rendering, candidate);
                return !Values.IsTrue(rendering.Evaluate(condition, candidate));
            });
        }

        // As in Jinja, 'else' is for a loop of which no turn came to its end, be it by 'break' or 'continue'.
        bool completed = false;
        var loop = new LoopValue(walked, depth, isRecursive ? Again : null);
        for (; loop.Index < walked.Count; loop.Index++)
        {
            rendering.Budget.Spend();
            var turn = new Scope(scope);
            turn.Set("loop", loop);
            Assignment.Set(target, walked[loop.Index], rendering, turn);
            Flow flow = rendering.Execute(body, turn, output);
            completed |= flow == Flow.Next;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return completed ? Flow.Next : rendering.Execute(otherwise, new Scope(scope), output);

        TemplateText Again(object? inner)
        {
            var text = new TemplateTextBuilder(rendering.Budget);
            Walk(inner, depth + 1, rendering, scope, text);
            return text.ToText();
        }
    }
}

/// <summary><c>break</c>, <c>continue</c>.</summary>
internal sealed class Jump(Flow flow, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output) => flow;
}

/// <summary><c>set a = b</c>, <c>set a, b = c</c>, <c>set a.b = c</c>.</summary>
internal sealed class Assignment(Expression target, Expression value, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        Set(target, rendering.Evaluate(value, scope), rendering, scope);
        return Flow.Next;
    }

    /// <summary>Gives a value to a name, to several, or to an attribute of a namespace.</summary>
    public static void Set(Expression target, object? value, Rendering rendering, Scope scope)
    {
        switch (target)
        {
            case Name name:
                scope.Set(name.Text, value);
                break;
            case Attribute attribute when rendering.Evaluate(attribute.Owner, scope) is NamespaceValue space:
                space.Attributes[attribute.Name] = value;
                break;
            case ListLiteral names:
                IReadOnlyList<object?> values = Values.Items(value, rendering.Budget);
                if (values.Count != names.Items.Count)
                {
                    throw new TemplateFault($"{names.Items.Count} names are set to {values.Count} values");
                }

                for (int i = 0; i < values.Count; i++)
                {
                    Set(names.Items[i], values[i], rendering, scope);
                }

                break;
            default:
                throw new TemplateFault("only attributes of a namespace can be set");
        }
    }
}

/// <summary><c>set a</c> ... <c>endset</c>: what the block prints.</summary>
internal sealed class BlockAssignment(Expression target, FilterChain filters, IReadOnlyList<Statement> body, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        TemplateText text = rendering.Capture(body, new Scope(scope));
        Assignment.Set(target, filters.Apply(rendering, scope, text), rendering, scope);
        return Flow.Next;
    }
}

/// <summary><c>filter name</c> ... <c>endfilter</c>.</summary>
internal sealed class FilterBlock(FilterChain filters, IReadOnlyList<Statement> body, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        TemplateText text = rendering.Capture(body, new Scope(scope));
        output.Append(filters.Apply(rendering, scope, text) as TemplateText ?? throw new TemplateFault("what a 'filter' block makes of its text must be a str"));
        return Flow.Next;
    }
}

/// <summary><c>with a = b</c> ... <c>endwith</c>, and <c>generation</c> ... <c>endgeneration</c>, which has no names.</summary>
internal sealed class With(IReadOnlyList<(Expression Target, Expression Value)> names, IReadOnlyList<Statement> body, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        var inner = new Scope(scope);
        foreach ((Expression target, Expression value) in names)
        {
            Assignment.Set(target, rendering.Evaluate(value, scope), rendering, inner);
        }

        return rendering.Execute(body, inner, output);
    }
}

/// <summary><c>macro name(a, b=c)</c> ... <c>endmacro</c>.</summary>
internal sealed class MacroDefinition(MacroShape shape, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        scope.Set(shape.Name, new Macro(shape, scope));
        return Flow.Next;
    }
}

/// <summary><c>call(a) macro()</c> ... <c>endcall</c>: the macro may call the block back.</summary>
internal sealed class CallBlock(Call call, MacroShape shape, int offset) : Statement(offset)
{
    public override Flow Execute(Rendering rendering, Scope scope, TemplateTextBuilder output)
    {
        output.Append(Printing.Show(call.Evaluate(rendering, scope, new Macro(shape, scope)), rendering.Budget));
        return Flow.Next;
    }
}
