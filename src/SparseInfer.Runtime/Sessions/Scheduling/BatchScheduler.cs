using System.Runtime.CompilerServices;

namespace SparseInfer;

/// <summary>
/// Serves any number of generations on one model at the same time (continuous batching): sessions join and leave at any token, and those that run are
/// decoded together, so that weights are read once for all where the device has kernels for that (<see cref="SessionBatch"/>). Safe for several
/// threads. While nothing is to be computed it uses no thread.
/// </summary>
/// <remarks>
/// <para>
/// A step gives each running generation one token, and then reads a slice of one prompt (<see cref="SchedulerOptions.PromptSlice"/>); prompts take turns.
/// Calls begin in the order in which they came, as soon as fewer than <see cref="SchedulerOptions.MaxSessions"/> are computed, and then run to
/// their end. One whose reader is <see cref="SchedulerOptions.ReadAhead"/> pieces behind waits for it, and another begins in its place; where
/// more can go on than a step takes, they take turns.
/// </para>
/// <para>Whatever else runs, the text, the session afterwards and its report are those of <see cref="Session.GenerateAsync(string, GenerationOptions?, CancellationToken)"/> alone, bit for bit.</para>
/// </remarks>
public sealed class BatchScheduler : IDisposable, IAsyncDisposable
{
    private readonly LanguageModel _model;
    private readonly GroupedDecoder _decoder;
    private readonly SchedulerQueue _queue;
    private readonly StepMeter _meter;
    private bool _freed;

    internal BatchScheduler(LanguageModel model, GroupedDecoder decoder, SchedulerOptions options)
    {
        _model = model;
        _decoder = decoder;
        _meter = new StepMeter(decoder.Together, model.Shape, options.MeterEvery);
        _queue = new SchedulerLoop(decoder, _meter, model.Device, options).Queue;
        Options = options;
    }

    /// <summary>How it shares the model out.</summary>
    public SchedulerOptions Options { get; }

    /// <summary>Generations that were begun and have not ended, those included that wait for their readers.</summary>
    public int Running => _queue.Running;

    /// <summary>Generations that wait for their start.</summary>
    public int Queued => _queue.Waiting;

    /// <summary>Whether nothing is to be computed, and no thread in use.</summary>
    internal bool IsIdle => _queue.IsIdle;

    /// <summary>
    /// Appends a prompt to a session's sequence and continues it, as <see cref="Session.GenerateAsync(string, GenerationOptions?, CancellationToken)"/> does: the same text, sequence and
    /// <see cref="Session.LastGeneration"/>. A call that is canceled while it is queued changes nothing.
    /// </summary>
    /// <param name="session">A session of this scheduler's model. It is taken from the first piece asked for until the last has come, or the reader stops.</param>
    /// <param name="prompt">The text; empty: the sequence goes on as if it had never been interrupted.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the generation, in the queue or after the current step. The sequence keeps what was handed out.</param>
    /// <returns>
    /// The text that follows, in pieces of whole tokens and whole characters. Each is computed ahead of its reader, but joins the sequence when it
    /// is handed out: what a reader who stops has not read never was. A session with <see cref="Session.Metering"/> or
    /// <see cref="Session.Timing"/> on is not computed ahead of its reader.
    /// </returns>
    /// <exception cref="ArgumentException">The session is of another model, or there is neither a prompt nor a sequence.</exception>
    /// <exception cref="SchedulerFullException">There are as many generations as <see cref="SchedulerOptions.MaxQueued"/> allows.</exception>
    /// <exception cref="InvalidOperationException">No tokenizer, a prompt that does not fit, or another call on the session is still running.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, or this was; before, or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">It was canceled; the session can be used again.</exception>
    public IAsyncEnumerable<string> GenerateAsync(
        Session session, string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return GenerateAsync(session, new ChatPrompt(prompt), options, cancellationToken);
    }

    /// <summary>Appends a rendered conversation, or its next turns, to a session and continues it, together with others.</summary>
    /// <param name="session">As for a text.</param>
    /// <param name="prompt">What <see cref="ChatTemplate"/> made.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">As for a text.</param>
    /// <returns>The text that follows, as for a text.</returns>
    /// <exception cref="ArgumentException">The session is of another model.</exception>
    /// <exception cref="SchedulerFullException">There are as many generations as <see cref="SchedulerOptions.MaxQueued"/> allows.</exception>
    /// <exception cref="InvalidOperationException">As for a text.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, or this was; before, or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">It was canceled; the session can be used again.</exception>
    public async IAsyncEnumerable<string> GenerateAsync(
        Session session, ChatPrompt prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new GenerationOptions();
        options.Validate();
        if (!ReferenceEquals(session.Model, _model))
        {
            throw new ArgumentException(
                $"The session is of another model. A scheduler takes sessions that CreateSession of its own {_model.Shape.Name} made: make a scheduler for each model.",
                nameof(session));
        }

        await foreach (GenerationPiece piece in ReadAsync(() => session.Begin(prompt, options, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            if (piece.Text.Length > 0)
            {
                yield return piece.Text;
            }
        }
    }

    /// <summary>
    /// What each layer's feed-forward did in the steps that <see cref="SchedulerOptions.MeterEvery"/> had metered, of all sessions together; empty where none was asked
    /// for, and where the device does not count. A token of a session counts once, also where its reader never got it.
    /// </summary>
    public IReadOnlyList<LayerMetrics> ReadMetrics() => _meter.Read();

    /// <summary>
    /// Ends the generations that run or wait, with <see cref="ObjectDisposedException"/> for their readers, waits for the step that is being computed,
    /// and frees the buffers. Sessions live on.
    /// </summary>
    public void Dispose()
    {
        _queue.Close();
        Free();
    }

    /// <summary>As <see cref="Dispose"/>; the thread does not wait.</summary>
    public async ValueTask DisposeAsync()
    {
        await _queue.CloseAsync().ConfigureAwait(false);
        Free();
    }

    /// <summary>Serves a generation, and hands out its pieces, those included that have no text.</summary>
    /// <param name="begin">Begins it, on a thread of the pool: it takes the session.</param>
    /// <param name="cancellationToken">The one that it was begun with.</param>
    internal async IAsyncEnumerable<GenerationPiece> ReadAsync(Func<Generation> begin, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ScheduledCall call = await JoinAsync(begin).ConfigureAwait(false);
        try
        {
            while (call.End is null)
            {
                if (_queue.Take(call, cancellationToken, out GenerationPiece? piece) is { } arrival)
                {
                    await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
                else if (piece is { } next)
                {
                    yield return next;
                }
            }
        }
        finally
        {
            // A reader who stops leaves from the yield.
            await LeaveAsync(call).ConfigureAwait(false);
        }

        if (call.Generation.Reason == StopReason.Canceled)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task<ScheduledCall> JoinAsync(Func<Generation> begin)
    {
        _queue.TakePlace();
        try
        {
            // Tokenizing a prompt is neither the caller's thread's work, nor the loop's.
            var call = new ScheduledCall(await Task.Run(begin, CancellationToken.None).ConfigureAwait(false));
            _queue.Join(call);
            return call;
        }
        catch
        {
            _queue.GiveUpPlace();
            throw;
        }
    }

    private async Task LeaveAsync(ScheduledCall call)
    {
        try
        {
            await _queue.RemoveAsync(call).ConfigureAwait(false);
            call.EndGeneration();
        }
        finally
        {
            _queue.GiveUpPlace();
        }
    }

    private void Free()
    {
        if (!Interlocked.Exchange(ref _freed, true))
        {
            _decoder.Dispose();
        }
    }
}
