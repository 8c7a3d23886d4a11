namespace SparseInfer.Text.ChatTemplates;

/// <summary>One run of a template.</summary>
/// <param name="clock">What <c>strftime_now</c> tells.</param>
/// <param name="budget">What it may use.</param>
internal sealed class Rendering(Func<DateTimeOffset> clock, Budget budget)
{
    public Budget Budget { get; } = budget;

    public DateTimeOffset Now => clock();

    public object? Evaluate(Expression expression, Scope scope)
    {
        try
        {
            Budget.Enter();
            object? value = expression.Evaluate(this, scope);
            Budget.Leave();
            return value;
        }
        catch (TemplateFault fault) when (fault.Locate(expression.Offset))
        {
            throw;
        }
    }

    public Flow Execute(IReadOnlyList<Statement> statements, Scope scope, TemplateTextBuilder output)
    {
        foreach (Statement statement in statements)
        {
            try
            {
                Budget.Enter();
                Flow flow = statement.Execute(this, scope, output);
                Budget.Leave();
                if (flow != Flow.Next)
                {
                    return flow;
                }
            }
            catch (TemplateFault fault) when (fault.Locate(statement.Offset))
            {
                throw;
            }
        }

        return Flow.Next;
    }

    /// <summary>What statements print, as one text.</summary>
    public TemplateText Capture(IReadOnlyList<Statement> statements, Scope scope)
    {
        var output = new TemplateTextBuilder(Budget);
        Execute(statements, scope, output);
        return output.ToText();
    }

    public object? Call(object? callee, CallArguments arguments) => callee switch
    {
        ICallable callable => callable.Call(this, arguments),
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw new TemplateFault($"a {Values.TypeOf(callee)} cannot be called"),
    };
}

/// <summary>Where a run goes on behind a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}
