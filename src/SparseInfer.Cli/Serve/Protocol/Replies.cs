using System.Text.Json.Serialization;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>What OpenAI's service answers a conversation with. Properties' names, in snake case, are its own.</summary>
internal sealed record ChatReply(
    string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, UsageReply Usage, TimingsReply Timings, string ServiceTier, string SystemFingerprint);

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(int Index, ChatAnswer Message, ChatLogProbs? Logprobs, string FinishReason);

/// <summary>What the assistant says.</summary>
internal sealed record ChatAnswer(
    string Role, string? Content, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent, string? Refusal, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ToolCallReply>? ToolCalls);

/// <summary>A part of an answer to a conversation, as an event.</summary>
internal record ChatChunk(
    string Id, string Object, long Created, string Model, string ServiceTier, string SystemFingerprint, IReadOnlyList<ChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TimingsReply? Timings);

/// <summary>The same where the client has asked for the usage: null, but in the last one.</summary>
internal sealed record ChatChunkWithUsage([property: JsonIgnore] ChatChunk Chunk, [property: JsonPropertyOrder(1)] UsageReply? Usage) : ChatChunk(Chunk);

/// <summary>A part of one of the answers.</summary>
internal sealed record ChunkChoice(int Index, ChunkDelta Delta, ChatLogProbs? Logprobs, string? FinishReason);

/// <summary>What it adds.</summary>
internal sealed record ChunkDelta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ReasoningContent = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ToolCallReply>? ToolCalls = null);

/// <summary>A call of a tool. Only parts of an answer number them.</summary>
internal sealed record ToolCallReply(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Index, string Id, string Type, FunctionReply Function);

/// <summary>Which function, and its arguments as JSON text.</summary>
internal sealed record FunctionReply(string Name, string Arguments);

/// <summary>How probable the tokens were.</summary>
internal sealed record ChatLogProbs(IReadOnlyList<TokenReply> Content, IReadOnlyList<TokenReply>? Refusal);

/// <summary>A token that was chosen.</summary>
internal sealed record TokenReply(string Token, double Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopTokenReply> TopLogprobs);

/// <summary>A token that might have been.</summary>
internal sealed record TopTokenReply(string Token, double Logprob, IReadOnlyList<int> Bytes);

/// <summary>What a text is gone on with, whole or as an event: the two have one form.</summary>
internal record CompletionReply(
    string Id, string Object, long Created, string Model, IReadOnlyList<CompletionChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TimingsReply? Timings, string SystemFingerprint);

/// <summary>The same with the usage, which is null in all events but the last one.</summary>
internal sealed record CompletionReplyWithUsage([property: JsonIgnore] CompletionReply Reply, [property: JsonPropertyOrder(1)] UsageReply? Usage) : CompletionReply(Reply);

/// <summary>One of the continuations.</summary>
internal sealed record CompletionChoice(string Text, int Index, CompletionLogProbs? Logprobs, string? FinishReason);

/// <summary>How probable the tokens were, in the older form: lists side by side.</summary>
/// <param name="Tokens">The tokens' texts.</param>
/// <param name="TokenLogprobs">Their logarithms.</param>
/// <param name="TopLogprobs">The most probable ones in each place.</param>
/// <param name="TextOffset">Where each begins, in characters of the answer.</param>
internal sealed record CompletionLogProbs(
    IReadOnlyList<string> Tokens, IReadOnlyList<double> TokenLogprobs, IReadOnlyList<IReadOnlyDictionary<string, double>> TopLogprobs, IReadOnlyList<int> TextOffset);

/// <summary>Tokens, as they would be billed.</summary>
internal sealed record UsageReply(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails, CompletionTokensDetails CompletionTokensDetails)
{
    /// <summary>Of all answers: one prompt counts once, however many answers it has.</summary>
    /// <param name="reports">How they went.</param>
    /// <param name="answersOfPrompt">So many of them, one after the other, have one prompt.</param>
    public static UsageReply Of(IReadOnlyList<ServiceReport> reports, int answersOfPrompt)
    {
        int prompt = reports.Where((_, i) => i % answersOfPrompt == 0).Sum(report => report.PromptTokens);
        int cached = reports.Where((_, i) => i % answersOfPrompt == 0).Sum(report => report.CachedTokens);
        int completion = reports.Sum(report => report.CompletionTokens);
        return new(prompt, completion, prompt + completion, new(cached, 0), new(0, 0, 0, 0));
    }
}

/// <summary>Of the prompt's tokens, those that were not computed again.</summary>
internal sealed record PromptTokensDetails(int CachedTokens, int AudioTokens);

/// <summary>Nothing of this is told apart here; clients expect it.</summary>
internal sealed record CompletionTokensDetails(int ReasoningTokens, int AudioTokens, int AcceptedPredictionTokens, int RejectedPredictionTokens);

/// <summary>llama.cpp's: what an answer took, in milliseconds and tokens a second.</summary>
internal sealed record TimingsReply(
    int CacheN, int PromptN, double PromptMs, double PromptPerSecond, int PredictedN, double PredictedMs, double PredictedPerSecond)
{
    public static TimingsReply Of(ServiceReport report)
    {
        int prompt = report.PromptTokens - report.CachedTokens;
        return new(
            report.CachedTokens, prompt, report.PromptTime.TotalMilliseconds, Speed(prompt, report.PromptTime),
            report.CompletionTokens, report.DecodeTime.TotalMilliseconds, Speed(report.CompletionTokens, report.DecodeTime));
    }

    private static double Speed(int tokens, TimeSpan time) => time > TimeSpan.Zero ? tokens / time.TotalSeconds : 0;
}

/// <summary>The models that there are.</summary>
internal sealed record ModelsReply(string Object, IReadOnlyList<ModelReply> Data);

/// <summary>The model.</summary>
internal sealed record ModelReply(string Id, string Object, long Created, string OwnedBy, ModelMetaReply Meta);

/// <summary>llama.cpp's: what a client may want to know of it.</summary>
internal sealed record ModelMetaReply(int NVocab, int NCtx, int NCtxTrain, int NEmbd);

/// <summary>A text's tokens.</summary>
internal sealed record TokenizeReply(IReadOnlyList<int> Tokens);

/// <summary>A text's tokens and what each adds to it.</summary>
internal sealed record TokenPiecesReply(IReadOnlyList<TokenPieceReply> Tokens);

/// <summary>A token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its text; or its bytes, where they are part of a character.</param>
internal sealed record TokenPieceReply(int Id, object Piece);

/// <summary>The text of tokens.</summary>
internal sealed record DetokenizeReply(string Content);

/// <summary>How the server is.</summary>
internal sealed record StatusReply(string Status, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null);
