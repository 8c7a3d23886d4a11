namespace SparseInfer;

/// <summary>One message of a conversation, as chat templates know it.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or another that the model's template knows.</param>
/// <param name="Content">What is said; null: nothing, as where an assistant only calls tools.</param>
public sealed record ChatTurn(string Role, string? Content)
{
    /// <summary>Tools that the assistant calls in this turn.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    /// <summary>What the assistant thought before it spoke: <c>reasoning_content</c> in templates; null: nothing.</summary>
    public string? Reasoning { get; init; }

    /// <summary>In a turn of the role <c>tool</c>, the <see cref="ChatToolCall.Id"/> of the call that it answers; null: it does not say.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>The speaker's name, or the tool's; null: it has none.</summary>
    public string? Name { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ChatTurn),
        (nameof(Role), Role),
        (nameof(Content), Content),
        (nameof(ToolCalls), ToolCalls.Count > 0 ? ToolCalls : null),
        (nameof(Reasoning), Reasoning),
        (nameof(ToolCallId), ToolCallId),
        (nameof(Name), Name));
}

/// <summary>A call of a tool by the assistant.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">Its arguments: a JSON object, such as <c>{"city": "Bonn"}</c>.</param>
/// <param name="Id">What the answer refers to; null: templates that want one refuse the call.</param>
public sealed record ChatToolCall(string Name, string Arguments, string? Id = null);

/// <summary>A tool that a model may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for; null: templates that show one may refuse it.</param>
/// <param name="Parameters">A JSON schema of its arguments: <c>{"type": "object", "properties": {...}}</c>.</param>
public sealed record ChatTool(string Name, string? Description, string Parameters)
{
    /// <summary>Whether the arguments of a call follow <see cref="Parameters"/>, whatever the model would write. Templates are not told.</summary>
    public bool IsStrict { get; init; }
}
