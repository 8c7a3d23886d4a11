namespace SparseInfer.Serving;

/// <summary>A part of an answer. The pieces' texts, one after the other, are the answer; the last piece, and no other, has a report.</summary>
/// <param name="Text">Whole characters, without what became a <paramref name="ToolCall"/>; may be empty.</param>
/// <param name="Tokens">
/// Where <see cref="ServiceRequest.LogProbs"/> asks for them, the tokens generated since the last piece, with their log-probabilities; else empty. Those of a
/// call of a tool are among them. A token that a stop string begins in is not, nor the token that ended the text.
/// </param>
/// <param name="ToolCall">A call of a tool, whole, with an id; null: none. A piece has one at most, and no text then.</param>
/// <param name="Report">How it went: in the last piece, which has no text and no call. Null: more follows.</param>
public sealed record ServicePiece(string Text, IReadOnlyList<TokenLogProb> Tokens, ChatToolCall? ToolCall, ServiceReport? Report)
{
    /// <summary>
    /// What the model thinks before an answer of a given form, so that the pieces' texts are that form; whole characters, without the tags. Empty in other answers: where
    /// no form is asked for, thoughts are part of the text.
    /// </summary>
    public string Reasoning { get; init; } = "";

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ServicePiece), (nameof(Text), Text), (nameof(Reasoning), Reasoning), (nameof(Tokens), Tokens), (nameof(ToolCall), ToolCall), (nameof(Report), Report));
}

/// <summary>A token that may follow, and how probable the model found it: before temperature, penalties and any cut.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Bytes">The UTF-8 bytes that it adds to a text: possibly a part of a character, nothing for control tokens.</param>
/// <param name="LogProb">The natural logarithm of its probability among all tokens of the tokenizer; at most 0.</param>
public readonly record struct TokenProbability(int Token, ReadOnlyMemory<byte> Bytes, double LogProb)
{
    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(TokenProbability), (nameof(Token), Token), (nameof(Bytes), Convert.ToHexString(Bytes.Span)), (nameof(LogProb), LogProb));
}

/// <summary>A token that was generated.</summary>
/// <param name="Chosen">It.</param>
/// <param name="Top">The most probable tokens in its place, the first one first: as many as were asked for. Among equal ones the lower id is first.</param>
public sealed record TokenLogProb(TokenProbability Chosen, IReadOnlyList<TokenProbability> Top)
{
    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(nameof(TokenLogProb), (nameof(Chosen), Chosen), (nameof(Top), Top));
}

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it, or a stop string came (<see cref="ServiceReport.StopString"/>).</summary>
    Stop,

    /// <summary>As many tokens as asked for, or the context is full.</summary>
    Length,

    /// <summary>As <see cref="Stop"/>, and it calls tools.</summary>
    ToolCalls,

    /// <summary>Its time was over: <see cref="ServiceRequest.TimeLimit"/>.</summary>
    TimeLimit,
}

/// <summary>How an answer went.</summary>
/// <param name="Reason">Why it ended.</param>
public sealed record ServiceReport(FinishReason Reason)
{
    /// <summary>The stop string that ended it; null: none did.</summary>
    public string? StopString { get; init; }

    /// <summary>Tokens of the prompt, those included that were not computed again.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens of the prompt that an earlier request had computed.</summary>
    public int CachedTokens { get; init; }

    /// <summary>Tokens generated, whether shown or not. The token that ends a text does not count.</summary>
    public int CompletionTokens { get; init; }

    /// <summary>The seed of the draws: the request's, or the one that was picked for null. It repeats the answer.</summary>
    public ulong Seed { get; init; }

    /// <summary>Waiting for a place to be computed in.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>Computing the prompt, without the steps of others between its parts.</summary>
    public TimeSpan PromptTime { get; init; }

    /// <summary>Decoding: the steps that it took part in, together with others.</summary>
    public TimeSpan DecodeTime { get; init; }

    /// <summary>From the request until its first token was there, waiting included.</summary>
    public TimeSpan TimeToFirstToken { get; init; }

    /// <summary>From the request to the end.</summary>
    public TimeSpan TotalTime { get; init; }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(ServiceReport),
        (nameof(Reason), Reason),
        (nameof(StopString), StopString),
        (nameof(PromptTokens), PromptTokens),
        (nameof(CachedTokens), CachedTokens),
        (nameof(CompletionTokens), CompletionTokens),
        (nameof(Seed), Seed),
        (nameof(QueueTime), QueueTime),
        (nameof(PromptTime), PromptTime),
        (nameof(DecodeTime), DecodeTime),
        (nameof(TimeToFirstToken), TimeToFirstToken),
        (nameof(TotalTime), TotalTime));
}
