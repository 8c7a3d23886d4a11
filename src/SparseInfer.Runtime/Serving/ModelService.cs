using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace SparseInfer.Serving;

/// <summary>
/// Answers any number of callers on one loaded model: what a server or a chat client needs around it. Requests that run are decoded together
/// (<see cref="BatchScheduler"/>), others wait in a bounded queue, and sessions are kept so that a prompt that begins as an earlier one did is not
/// computed again. Safe for several threads.
/// </summary>
/// <remarks>
/// The same request with the same seed gives the same answer, byte for byte: alone or among others, and whatever was asked before.
/// </remarks>
public sealed partial class ModelService : IDisposable, IAsyncDisposable
{
    private readonly BatchScheduler _scheduler;
    private readonly SessionPool _sessions;
    private readonly Admission _admission;
    private readonly ServiceTotals _totals = new();
    private readonly ToolCallFormat _toolCalls;
    private readonly IReadOnlyDictionary<int, string> _marks;

    /// <summary>Canceled when those that still run are ended.</summary>
    private readonly CancellationTokenSource _end = new();

    /// <summary>Makes a service. Nothing is computed, and no session made, before the first request.</summary>
    /// <param name="model">The model; still the caller's to dispose, after this.</param>
    /// <param name="options">How many at a time, how many may wait, which sessions; null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ModelServiceOptions.Context"/> is more than the model declares.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ModelService(LanguageModel model, ModelServiceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelServiceOptions();
        if (options.Context > model.Shape.Context)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Context, $"ModelServiceOptions.Context must be 1 to {model.Shape.Context}, the context that {model.Shape.Name} declares.");
        }

        Model = model;
        Options = options;
        _toolCalls = options.ToolCallFormat ?? ToolCallFormats.Of(ChatTemplate);
        _marks = ToolCallFormats.Marks(_toolCalls, model.Tokenizer);
        _sessions = new SessionPool(model, options);
        _admission = new Admission(options);
        _scheduler = model.CreateScheduler(new SchedulerOptions
        {
            MaxSessions = options.MaxRunning,
            MaxQueued = 0, // those that wait, wait here, without a session
            PromptSlice = options.PromptSlice,
            MeterEvery = options.MeterEvery,
        });
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>How it shares the model out.</summary>
    public ModelServiceOptions Options { get; }

    /// <summary>Most tokens of a request, prompt and answer together.</summary>
    public int Context => Options.Context ?? Model.Shape.Context;

    /// <summary>Where answers are counted: also those that somebody computes on the model apart from the service, and are the service's all the same.</summary>
    internal ServiceTotals Totals => _totals;

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
        int[] tokens = request switch
        {
            ChatRequest chat => Model.Tokenizer.EncodeChat(Render(chat)),
            CompletionRequest { Prompt: { } text } => Model.Tokenizer.Encode(text, addBeginOfSequence: true),
            CompletionRequest completion => [.. completion.Tokens!],
            _ => throw new ArgumentException($"A {request.GetType().Name} is no request that a service knows.", nameof(request)),
        };
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)Model.Shape.Vocabulary)
            {
                throw new ArgumentException($"Token {token} is not in the vocabulary of {Model.Shape.Vocabulary}.", nameof(request));
            }
        }

        return tokens;
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

    /// <summary>Takes the places of a request that has several answers, or one. Each answer is then asked for with <see cref="AnswerAsync(ServiceRequest, ServicePlaces, CancellationToken)"/>.</summary>
    /// <param name="answers">Answers of the request.</param>
    /// <param name="atATime">Most that it asks for at a time.</param>
    /// <returns>The places: to be disposed when no answer runs any more.</returns>
    /// <exception cref="ServiceBusyException">There is none.</exception>
    /// <exception cref="ServiceStoppedException">The service was stopped.</exception>
    internal ServicePlaces TakePlaces(int answers, int atATime)
    {
        try
        {
            return new ServicePlaces(_admission, answers, atATime);
        }
        catch (ServiceBusyException)
        {
            _totals.Refused();
            throw;
        }
    }

    /// <summary>One of the answers of a request that has its places. It waits for its turn, and is taken whatever happens meanwhile: a service that is stopped lets it end.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="places">The request's places.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async IAsyncEnumerable<ServicePiece> AnswerAsync(ServiceRequest request, ServicePlaces places, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Require(request);
        _totals.Took();
        var pieces = Channel.CreateUnbounded<ServicePiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        Task computing = Task.Run(() => ComputeAsync(request, places, pieces.Writer, cancel.Token, cancellationToken), CancellationToken.None);
        try
        {
            await foreach (ServicePiece piece in pieces.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return piece;
            }
        }
        finally
        {
            // A reader who stops leaves from the yield. Its place is free when it has left.
            await cancel.CancelAsync().ConfigureAwait(false);
            await computing.ConfigureAwait(false);
        }
    }

    /// <summary>What it does and has done.</summary>
    public ServiceCounts ReadCounts()
    {
        (int running, int waiting) = _admission.Counts;
        return _totals.Read() with { Running = running, Queued = waiting, KeptSessions = _sessions.Count, Layers = _scheduler.ReadMetrics() };
    }

    /// <summary>
    /// Takes no new request, and lets those that it has taken end. Those that have not when <paramref name="cancellationToken"/> is canceled are ended with
    /// <see cref="ServiceStoppedException"/>.
    /// </summary>
    /// <param name="cancellationToken">How long it waits. It does not throw.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        Task empty = _admission.CloseAsync();
        await using (cancellationToken.UnsafeRegister(end => ((CancellationTokenSource)end!).Cancel(), _end).ConfigureAwait(false))
        {
            await empty.ConfigureAwait(false);
        }
    }

    /// <summary>Ends all requests with <see cref="ServiceStoppedException"/>, waits for the step that is being computed, and frees the sessions.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>As <see cref="Dispose"/>; the thread does not wait.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await _scheduler.DisposeAsync().ConfigureAwait(false);
        _sessions.Dispose();
    }

    /// <summary>The answer of a request that has one.</summary>
    private async IAsyncEnumerable<ServicePiece> AnswerAsync(ServiceRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using ServicePlaces places = TakePlaces(1, 1);
        await foreach (ServicePiece piece in AnswerAsync(request, places, cancellationToken).ConfigureAwait(false))
        {
            yield return piece;
        }
    }

    /// <summary>Computes an answer at its own pace, whatever its reader does. Never throws: the reader is told.</summary>
    private async Task ComputeAsync(ServiceRequest request, ServicePlaces places, ChannelWriter<ServicePiece> pieces, CancellationToken cancel, CancellationToken reader)
    {
        Exception? failure = null;
        int[]? prompt = null;
        try
        {
            var clock = new AnswerClock();
            AnswerForm form = FormOf(request);
            prompt = EncodeWhole(request);
            await ComputeAsync(request, form, prompt, clock, pieces, cancel).ConfigureAwait(false);
            _totals.Answered();
        }
        catch (Exception exception)
        {
            failure = Count(exception, isInvalid: prompt is null, cancel, reader);
        }

        places.EndAnswer();
        pieces.Complete(failure);
    }

    /// <summary>Counts a request that did not come to its end.</summary>
    /// <param name="exception">Why.</param>
    /// <param name="isInvalid">Whether a refusal is of the request: nothing was computed yet.</param>
    /// <param name="cancel">What ends it.</param>
    /// <param name="reader">What the reader ends it with.</param>
    /// <returns>What the reader is told.</returns>
    private Exception Count(Exception exception, bool isInvalid, CancellationToken cancel, CancellationToken reader)
    {
        if (exception is OperationCanceledException && cancel.IsCancellationRequested)
        {
            bool isStopped = _end.IsCancellationRequested && !reader.IsCancellationRequested;
            (isStopped ? (Action)_totals.Failed : _totals.Canceled)();
            return isStopped ? new ServiceStoppedException("The service was stopped before the answer ended.") : new OperationCanceledException(reader);
        }

        bool isRefusal = exception is ArgumentException or ChatRefusedException or ChatTemplateException or NotSupportedException or FormatException;
        (exception is ServiceBusyException ? (Action)_totals.Refused : isInvalid && isRefusal ? _totals.Invalid : _totals.Failed)();
        if (exception is InsufficientMemoryException)
        {
            _sessions.Clear();
        }

        return exception;
    }

    /// <summary>The tokens of a prompt that can be answered.</summary>
    private int[] EncodeWhole(ServiceRequest request)
    {
        int[] prompt = Encode(request);
        if (prompt.Length == 0)
        {
            throw new ArgumentException("The prompt is empty, and the model begins no text by itself: give some text.", nameof(request));
        }

        return prompt.Length < Context ? prompt : throw new PromptTooLongException(prompt.Length, Context);
    }

    private async Task ComputeAsync(ServiceRequest request, AnswerForm form, int[] prompt, AnswerClock clock, ChannelWriter<ServicePiece> pieces, CancellationToken cancel)
    {
        await _admission.WaitAsync(cancel).ConfigureAwait(false);
        clock.Begin();
        bool isWhole = false;
        try
        {
            await GenerateAsync(request, form, prompt, clock, pieces, cancel).ConfigureAwait(false);
            isWhole = true;
        }
        finally
        {
            _admission.EndTurn(isWhole ? clock.SinceBegin : null);
        }
    }

    private async Task GenerateAsync(ServiceRequest request, AnswerForm form, int[] prompt, AnswerClock clock, ChannelWriter<ServicePiece> pieces, CancellationToken cancel)
    {
        var writer = new AnswerWriter(prompt, ReaderOf(request, form), Model.Tokenizer, pieces);
        var view = new GenerationView { LogProbs = request.LogProbs, IsWhole = true, Spelled = SpelledIn(request, form) };
        GenerationOptions options = request.Options with { Grammar = form.Grammar, Seed = request.Options.Seed ?? (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue) };
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (TimeLimit(request) is { } limit)
        {
            limited.CancelAfter(limit);
        }

        PooledSession pooled = _sessions.Take(prompt);
        Session session = pooled.Session;
        session.Mode = request.Mode ?? Options.Mode;
        int cached = session.Sequence.Computed;
        _totals.Began(prompt.Length, cached);
        bool isKept = false;
        int generated = 0;
        try
        {
            try
            {
                Generation Begin() => session.Begin(prompt[session.Position..], options, view, limited.Token);
                await foreach (GenerationPiece piece in _scheduler.ReadAsync(Begin, limited.Token).ConfigureAwait(false))
                {
                    clock.Arrived();
                    _totals.Generated(piece.After.Generated - generated);
                    generated = piece.After.Generated;
                    writer.Write(in piece);
                }
            }
            catch (OperationCanceledException) when (limited.IsCancellationRequested)
            {
                isKept = true;
                cancel.ThrowIfCancellationRequested(); // else its time is over, and it keeps what it has
            }

            writer.Flush();
            GenerationReport report = session.LastGeneration!;
            _totals.Generated(report.GeneratedTokens - generated);
            _totals.Ended(report.PromptTime, report.DecodeTime);
            isKept = true;
            writer.End(clock.ReportOf(Reason(report.Reason, writer.Calls), report, prompt.Length, cached, options.Seed!.Value));
        }
        finally
        {
            if (isKept)
            {
                pooled.NoteUse(prompt.Length, Model.DecodesAsPrompts && session.Mode != SparsityMode.Predicted);
                _sessions.Return(pooled);
            }
            else
            {
                session.Dispose();
            }
        }
    }

    private ChatPrompt Render(ChatRequest request)
    {
        ChatTemplate template = ChatTemplate ?? throw new NotSupportedException(
            $"{Model.Shape.Name} has no chat template that can be used, so that it answers no conversations: ask it to complete a text, or give ModelServiceOptions.ChatTemplate.");
        return template.Render(request.Turns, new ChatTemplateOptions { Tools = request.Tools, Variables = request.Variables });
    }

    private TimeSpan? TimeLimit(ServiceRequest request) =>
        request.TimeLimit is { } own && !(own > Options.TimeLimit) ? own : Options.TimeLimit;

    /// <summary>Why an answer ended.</summary>
    /// <param name="reason">Why its tokens did.</param>
    /// <param name="calls">Calls of tools in it.</param>
    internal static FinishReason Reason(StopReason reason, int calls) => reason switch
    {
        StopReason.MaxTokens or StopReason.ContextFull => FinishReason.Length,
        StopReason.Canceled => FinishReason.TimeLimit,
        _ => calls > 0 ? FinishReason.ToolCalls : FinishReason.Stop,
    };

    private static void Require(ServiceRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Options, nameof(request));
        request.Options.Validate();
        if (request.LogProbs is < 0 or > ServiceRequest.MaximumLogProbs)
        {
            throw new ArgumentOutOfRangeException(nameof(request), request.LogProbs, $"LogProbs must be 0 to {ServiceRequest.MaximumLogProbs}, or null for none.");
        }

        if (request.Mode is { } mode)
        {
            EnumArgument.Require(mode);
        }

        if (request.TimeLimit <= TimeSpan.Zero || request.TimeLimit > ModelServiceOptions.LongestLimit)
        {
            throw new ArgumentOutOfRangeException(
                nameof(request), request.TimeLimit, $"TimeLimit must be positive, and {ModelServiceOptions.LongestLimit.Days} days at most; null is the service's.");
        }
    }
}
