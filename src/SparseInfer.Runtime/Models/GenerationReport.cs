namespace SparseInfer;

/// <summary>Why a generation ended.</summary>
public enum StopReason
{
    /// <summary>As many tokens as asked for.</summary>
    MaxTokens,

    /// <summary>The model ended the text.</summary>
    EndOfSequence,

    /// <summary>A stop string came.</summary>
    StopString,

    /// <summary>The session's context is full.</summary>
    ContextFull,

    /// <summary>It was canceled.</summary>
    Canceled,
}

/// <summary>How a generation went.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="GeneratedTokens">Tokens generated.</param>
/// <param name="DecodedTokens">Decoding steps: one less than generated where the last token was not run.</param>
/// <param name="PromptTime">Until the prompt was processed.</param>
/// <param name="DecodeTime">From then on: decoding and sampling.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record GenerationReport(
    int PromptTokens, int GeneratedTokens, int DecodedTokens, TimeSpan PromptTime, TimeSpan DecodeTime, StopReason Reason)
{
    /// <summary>Decoding steps a second; 0 where there was none.</summary>
    public double TokensPerSecond => DecodedTokens == 0 ? 0 : DecodedTokens / DecodeTime.TotalSeconds;
}
