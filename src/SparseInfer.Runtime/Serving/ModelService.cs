using System.Runtime.CompilerServices;

namespace SparseInfer.Serving;

/// <summary>
/// Answers any number of callers on one loaded model: what a server or a chat client needs around it. Requests that run are decoded together
/// (<see cref="BatchScheduler"/>), others wait in a bounded queue, and sessions are kept so that a prompt that begins as an earlier one did is not
/// computed again. Safe for several threads.
/// </summary>
/// <remarks>
/// The same request with the same seed gives the same answer, byte for byte: alone or among others, and whatever was asked before.
/// </remarks>
public sealed class ModelService : IAsyncDisposable
{
    /// <summary>Makes a service. Nothing is computed, and no session made, before the first request.</summary>
    /// <param name="model">The model; still the caller's to dispose, after this.</param>
    /// <param name="options">How many at a time, how many may wait, which sessions; null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ModelServiceOptions.Context"/> is more than the model declares.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ModelService(LanguageModel model, ModelServiceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        Options = options ?? new ModelServiceOptions();
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>How it shares the model out.</summary>
    public ModelServiceOptions Options { get; }

    /// <summary>Most tokens of a request, prompt and answer together.</summary>
    public int Context => Options.Context ?? Model.Shape.Context;

    /// <summary>How conversations become prompts; null: there is no template, and <see cref="ChatAsync"/> refuses.</summary>
    public ChatTemplate? ChatTemplate => Options.ChatTemplate ?? Model.ChatTemplate;

    /// <summary>The tokens of a request's prompt, as they would be computed. Computes nothing.</summary>
    /// <param name="request">The request.</param>
    /// <exception cref="ChatRefusedException">The chat template refuses the conversation; the message is its own text.</exception>
    /// <exception cref="ChatTemplateException">The chat template fails.</exception>
    /// <exception cref="NotSupportedException">A conversation, and there is no chat template.</exception>
    /// <exception cref="ArgumentException">Arguments of a tool's call, or a tool's schema, are no JSON; or a token is not in the vocabulary.</exception>
    public int[] Encode(ServiceRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        throw new NotImplementedException();
    }

    /// <summary>Continues a text or tokens.</summary>
    /// <param name="request">The prompt, and how it is continued.</param>
    /// <param name="cancellationToken">Ends the request, in the queue or after the current step, and frees its place.</param>
    /// <returns>
    /// The text that follows, in pieces as they are computed. A reader may be slow: the answer is computed at its own pace, and kept until it is read. One who stops
    /// ends the request.
    /// </returns>
    /// <exception cref="ServiceBusyException">There are as many requests as <see cref="ModelServiceOptions.MaxQueued"/> allows, or it waited too long. As all but the last three, before the first piece.</exception>
    /// <exception cref="PromptTooLongException">The prompt does not fit.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, the prompt is empty, or a token is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    /// <exception cref="ServiceStoppedException">The service was stopped, before or meanwhile.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for a session.</exception>
    public IAsyncEnumerable<ServicePiece> CompleteAsync(CompletionRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return AnswerAsync(request, cancellationToken);
    }

    /// <summary>Answers a conversation.</summary>
    /// <param name="request">The conversation, tools, and how it is answered.</param>
    /// <param name="cancellationToken">As in <see cref="CompleteAsync"/>.</param>
    /// <returns>The answer, as in <see cref="CompleteAsync"/>, with the calls of tools that it makes.</returns>
    /// <exception cref="ChatRefusedException">The chat template refuses the conversation; the message is its own text. As the next three and those of <see cref="CompleteAsync"/>.</exception>
    /// <exception cref="ChatTemplateException">The chat template fails.</exception>
    /// <exception cref="NotSupportedException">There is no chat template.</exception>
    /// <exception cref="ArgumentException">Arguments of a tool's call, or a tool's schema, are no JSON.</exception>
    public IAsyncEnumerable<ServicePiece> ChatAsync(ChatRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return AnswerAsync(request, cancellationToken);
    }

    /// <summary>What it does and has done.</summary>
    public ServiceCounts ReadCounts() => throw new NotImplementedException();

    /// <summary>
    /// Takes no new request, and lets those that it has taken end. Those that have not when <paramref name="cancellationToken"/> is canceled are ended with
    /// <see cref="ServiceStoppedException"/>.
    /// </summary>
    /// <param name="cancellationToken">How long it waits. It does not throw.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Ends all requests with <see cref="ServiceStoppedException"/>, waits for the step that is being computed, and frees the sessions.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();

    private async IAsyncEnumerable<ServicePiece> AnswerAsync(ServiceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.FromException(new NotImplementedException()).ConfigureAwait(false);
        yield break;
    }
}
