using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>
/// A loaded model as a chat client. Any number of calls may run: they are computed together, and wait for their turn where there are many
/// (<see cref="ModelService"/>). The same messages with the same seed give the same answer.
/// </summary>
/// <remarks>
/// What a call asks for and cannot have is refused by name before anything is computed, never left out in silence: docs/chat-client.md has the list. Errors of the service come
/// as they are, such as <see cref="ServiceBusyException"/> and <see cref="PromptTooLongException"/>.
/// </remarks>
public sealed class SparseInferChatClient : IChatClient, IAsyncDisposable
{
    private readonly HeldService _held;
    private readonly GenerationOptions _defaults;
    private readonly ChatClientMetadata _metadata;

    /// <summary>Makes a client of a service.</summary>
    /// <param name="service">What answers; still the caller's to dispose.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Length and sampling where a call does not say; null: those of <see cref="GenerationOptions"/>, and as many tokens as the context holds.</param>
    public SparseInferChatClient(ModelService service, string? modelId = null, GenerationOptions? defaults = null)
        : this(service, modelId, defaults, ownsService: false, ownsModel: false)
    {
    }

    internal SparseInferChatClient(ModelService service, string? modelId, GenerationOptions? defaults, bool ownsService, bool ownsModel)
    {
        ArgumentNullException.ThrowIfNull(service);
        _held = new HeldService(service, ownsService, ownsModel);
        _defaults = defaults ?? new GenerationOptions { MaxTokens = service.Context };
        _defaults.Validate();
        _metadata = new ChatClientMetadata("sparseinfer", providerUri: null, modelId ?? service.Model.Shape.Name);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The call asks for what the client cannot do; the message names it.</exception>
    /// <exception cref="ArgumentException">An option has a value that it cannot have.</exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The call asks for what the client cannot do; the message names it.</exception>
    /// <exception cref="ArgumentException">An option has a value that it cannot have.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return AnswerAsync(ChatRequests.Of(messages, options, _defaults, _held.Service, _metadata.DefaultModelId!, this), cancellationToken);
    }

    /// <summary>Besides itself, <see cref="ChatClientMetadata"/>, the <see cref="ModelService"/> and its <see cref="LanguageModel"/>.</summary>
    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => _held.Find(this, _metadata, serviceType, serviceKey);

    /// <summary>Ends the calls that run, and frees what was made for this client. A service, or a model, of the caller's stays.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>As <see cref="Dispose"/>; the thread does not wait.</summary>
    public ValueTask DisposeAsync() => _held.DisposeAsync();

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string id = $"chatcmpl-{Guid.NewGuid():N}";
        DateTimeOffset created = DateTimeOffset.UtcNow;
        await foreach (ServicePiece piece in _held.Service.ChatAsync(request, cancellationToken).ConfigureAwait(false))
        {
            IList<AIContent> contents = piece switch
            {
                { Report: { } report } => [new UsageContent(Usage(report))],
                { ToolCall: { } call } => [ToolArguments.Call(call)],
                { Reasoning.Length: > 0 } => [new TextReasoningContent(piece.Reasoning)],
                _ => [new TextContent(piece.Text)],
            };
            yield return new ChatResponseUpdate(ChatRole.Assistant, contents)
            {
                ResponseId = id,
                MessageId = id,
                ModelId = _metadata.DefaultModelId,
                CreatedAt = created,
                FinishReason = piece.Report is null ? null : Reason(piece.Report.Reason),
                RawRepresentation = piece,
            };
        }
    }

    private static ChatFinishReason Reason(FinishReason reason) => reason switch
    {
        FinishReason.Stop => ChatFinishReason.Stop,
        FinishReason.ToolCalls => ChatFinishReason.ToolCalls,
        _ => ChatFinishReason.Length,
    };

    private static UsageDetails Usage(ServiceReport report) => new()
    {
        InputTokenCount = report.PromptTokens,
        CachedInputTokenCount = report.CachedTokens,
        OutputTokenCount = report.CompletionTokens,
        TotalTokenCount = report.PromptTokens + report.CompletionTokens,
    };
}
