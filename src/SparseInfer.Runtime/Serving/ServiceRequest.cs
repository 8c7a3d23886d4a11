namespace SparseInfer.Serving;

/// <summary>What every request to a <see cref="ModelService"/> has: a <see cref="CompletionRequest"/> goes on with a text, a <see cref="ChatRequest"/> answers a conversation.</summary>
/// <remarks>
/// One request gives one answer. Who wants several of one prompt makes several requests, with seeds of their own: the prompt is computed once where the service
/// still has it (<see cref="ServiceReport.CachedTokens"/>).
/// </remarks>
public abstract record ServiceRequest
{
    /// <summary>The most alternatives that <see cref="LogProbs"/> can ask for.</summary>
    public const int MaximumLogProbs = 100;

    private protected ServiceRequest()
    {
    }

    /// <summary>Length, sampling, stop strings.</summary>
    public GenerationOptions Options { get; init; } = new();

    /// <summary>
    /// How many of the most probable tokens are told with each token, 0 to <see cref="MaximumLogProbs"/>: 0 tells the probability of the chosen one alone.
    /// Null, the default: none, which costs nothing.
    /// </summary>
    public int? LogProbs { get; init; }

    /// <summary>What is skipped; null: the service's <see cref="ModelServiceOptions.Mode"/>.</summary>
    public SparsityMode? Mode { get; init; }

    /// <summary>
    /// How long it may be computed, from its first prompt token on; then it ends with <see cref="FinishReason.TimeLimit"/> and what it has. Null: the service's
    /// <see cref="ModelServiceOptions.TimeLimit"/>. The service's holds where it is shorter. 49 days at most.
    /// </summary>
    public TimeSpan? TimeLimit { get; init; }
}

/// <summary>Asks for the continuation of a text.</summary>
public sealed record CompletionRequest : ServiceRequest
{
    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text. The begin-of-sequence token is put before it where the model wants one; names of control tokens in it are ordinary text.</param>
    public CompletionRequest(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        Prompt = prompt;
    }

    /// <summary>Continues tokens.</summary>
    /// <param name="tokens">Ids, taken as they are: nothing is put before them.</param>
    public CompletionRequest(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Tokens = tokens;
    }

    /// <summary>The text; null: <see cref="Tokens"/> are given.</summary>
    public string? Prompt { get; }

    /// <summary>The tokens; null: <see cref="Prompt"/> is given.</summary>
    public IReadOnlyList<int>? Tokens { get; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(CompletionRequest),
        (nameof(Prompt), Prompt),
        (nameof(Tokens), Tokens),
        (nameof(Options), Options),
        (nameof(LogProbs), LogProbs),
        (nameof(Mode), Mode),
        (nameof(TimeLimit), TimeLimit));
}

/// <summary>Asks for the answer to a conversation, which the model's chat template makes a prompt of.</summary>
/// <param name="Turns">The messages, the oldest first.</param>
public sealed record ChatRequest(IReadOnlyList<ChatTurn> Turns) : ServiceRequest
{
    /// <summary>
    /// Tools that the model may call. Where there are some, calls that the answer makes are taken out of its text
    /// (<see cref="ServicePiece.ToolCall"/>). Arguments follow the schema where a tool is strict, or <see cref="RequiresCall"/>. Where <see cref="ServiceRequest.Options"/> have a
    /// grammar, the answer follows it or is calls.
    /// </summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>Whether the answer is calls of tools, and nothing else.</summary>
    public bool RequiresCall { get; init; }

    /// <summary>The one of <see cref="Tools"/> that may be called where a call is required; null: any.</summary>
    public string? RequiredTool { get; init; }

    /// <summary>Whether the answer has one call at most, and ends with it.</summary>
    public bool CallsOnce { get; init; }

    /// <summary>Further variables of the template, such as <c>enable_thinking</c>: <see cref="ChatTemplateOptions.Variables"/>.</summary>
    public IReadOnlyDictionary<string, object?> Variables { get; init; } = new Dictionary<string, object?>();

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ChatRequest),
        (nameof(Turns), Turns),
        (nameof(Tools), Tools.Count > 0 ? Tools.Select(tool => tool.Name) : null),
        (nameof(RequiresCall), RequiresCall),
        (nameof(RequiredTool), RequiredTool),
        (nameof(CallsOnce), CallsOnce),
        (nameof(Variables), Variables.Count > 0 ? Variables.Keys : null),
        (nameof(Options), Options),
        (nameof(LogProbs), LogProbs),
        (nameof(Mode), Mode),
        (nameof(TimeLimit), TimeLimit));
}
