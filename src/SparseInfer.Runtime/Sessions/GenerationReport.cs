namespace SparseInfer;

/// <summary>Why a generation ended.</summary>
public enum StopReason
{
    /// <summary>As many tokens as asked for.</summary>
    MaxTokens,

    /// <summary>The model ended the text: <see cref="GenerationReport.EndToken"/>.</summary>
    EndOfSequence,

    /// <summary>A stop string came.</summary>
    StopString,

    /// <summary>The text is whole by <see cref="GenerationOptions.Grammar"/>, which allows nothing after it.</summary>
    GrammarEnd,

    /// <summary>The session's context is full.</summary>
    ContextFull,

    /// <summary>It was canceled, or its reader stopped.</summary>
    Canceled,
}

/// <summary>How a generation went.</summary>
/// <param name="PromptTokens">
/// Prompt tokens that were computed: the call's own as far as it came, and what earlier calls had left of theirs.
/// </param>
/// <param name="GeneratedTokens">Tokens generated, whether handed out or not.</param>
/// <param name="DecodedTokens">
/// Decoding steps. The last token of a call is computed by the next one: on a new prompt there is one less than generated.
/// </param>
/// <param name="PromptTime">Computing the prompt.</param>
/// <param name="DecodeTime">
/// Decoding and sampling, without the reader's time between pieces. In a <see cref="BatchScheduler"/> the steps that the session took part in.
/// </param>
/// <param name="Reason">Why it ended.</param>
public sealed record GenerationReport(
    int PromptTokens, int GeneratedTokens, int DecodedTokens, TimeSpan PromptTime, TimeSpan DecodeTime, StopReason Reason)
{
    /// <summary>
    /// Text that was generated but not handed out, because it may begin a stop string. It is not in the sequence; a call with an empty
    /// prompt takes it up.
    /// </summary>
    public string HeldText { get; init; } = "";

    /// <summary>
    /// The token that ended the text, for <see cref="StopReason.EndOfSequence"/>. It is not in the sequence: a chat whose format wants it
    /// there appends it with <see cref="Session.Forward(ReadOnlySpan{int})"/>.
    /// </summary>
    public int? EndToken { get; init; }

    /// <summary>The stop string that ended the text, for <see cref="StopReason.StopString"/>.</summary>
    public string? StopString { get; init; }

    /// <summary>Decoding steps a second; 0 where there was none.</summary>
    public double TokensPerSecond => DecodedTokens == 0 ? 0 : DecodedTokens / DecodeTime.TotalSeconds;

    /// <summary>In one line and the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{PromptTokens} prompt tokens in {PromptTime.TotalMilliseconds:0.0} ms; {GeneratedTokens} generated, {DecodedTokens} decoded in ")
        + FormattableString.Invariant($"{DecodeTime.TotalMilliseconds:0.0} ms ({TokensPerSecond:0.0} a second); ended by {Reason}");
}
