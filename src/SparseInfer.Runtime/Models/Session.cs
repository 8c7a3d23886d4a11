using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using SparseInfer.Runtime;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer;

/// <summary>One sequence of tokens on a loaded model. Not for several threads at once; any number of sessions can run side by side.</summary>
public sealed class Session : IDisposable
{
    /// <summary>Prompt tokens between two looks at the cancellation token: a few batches of any plan.</summary>
    private const int CancelablePrompt = 256;

    private readonly LanguageModel _model;
    private readonly ProgramLease _lease;
    private readonly DecoderState _state;
    private int _busy;
    private bool _disposed;

    /// <summary>The last token of a generation that ended at MaxTokens: given to the user, not run yet.</summary>
    private int? _pending;

    internal Session(LanguageModel model, ProgramLease lease, DecoderState state, SessionOptions options)
    {
        _model = model;
        _lease = lease;
        _state = state;
        Mode = options.Mode;
        SparsePrompt = options.SparsePrompt;
        Metering = options.Metering;
        Timing = options.Timing;
    }

    /// <summary>What is skipped; may change between calls.</summary>
    public SparsityMode Mode { get; set; }

    /// <summary>As <see cref="SessionOptions.SparsePrompt"/>; may change between calls.</summary>
    public bool SparsePrompt { get; set; }

    /// <summary>As <see cref="SessionOptions.Metering"/>; may change between calls.</summary>
    public bool Metering { get; set; }

    /// <summary>As <see cref="SessionOptions.Timing"/>; may change between calls.</summary>
    public bool Timing { get; set; }

    /// <summary>Tokens in the sequence so far.</summary>
    public int Position => _state.Position;

    /// <summary>Most tokens it can hold.</summary>
    public int Context => _state.Capacity;

    /// <summary>How the last generation went; null before the first, and after one that failed.</summary>
    public GenerationReport? LastGeneration { get; private set; }

    /// <summary>Runs tokens and returns the logits of the last: the lower level, for loops of one's own. Allocates nothing.</summary>
    /// <param name="tokens">Ids. One token is a decoding step; several are a prompt, computed in batches.</param>
    /// <returns>[vocabulary]; overwritten by the next call.</returns>
    /// <exception cref="ArgumentException">No tokens, or an id outside the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">The context is full, or another call is still running.</exception>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens)
    {
        Run(tokens, isPrompt: tokens.Length > 1, []);
        return _state.LastLogits;
    }

    /// <summary>Runs a prompt and returns the logits of every token.</summary>
    /// <param name="tokens">Ids.</param>
    /// <param name="logits">[tokens x vocabulary], filled.</param>
    /// <exception cref="ArgumentException">As above, or <paramref name="logits"/> has another length.</exception>
    /// <exception cref="InvalidOperationException">As above.</exception>
    public void Forward(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        long wanted = (long)tokens.Length * _model.Shape.Vocabulary;
        if (logits.Length != wanted)
        {
            throw new ArgumentException($"{tokens.Length} tokens have {wanted} logits; room for {logits.Length} was given.", nameof(logits));
        }

        Run(tokens, isPrompt: true, logits);
    }

    /// <summary>Forgets the tokens from a position on: 0 starts anew.</summary>
    /// <param name="position">0 to <see cref="Position"/>.</param>
    public void Rewind(int position) => Exclusively(() =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        _state.Rewind(position);
        _pending = null;
        return true;
    });

    /// <summary>What each layer's feed-forward did while <see cref="Metering"/> was on, and how long it took while <see cref="Timing"/> was.</summary>
    public IReadOnlyList<LayerMetrics> ReadMetrics() =>
        Exclusively(() => Enumerable.Range(0, _model.Shape.Layers)
            .Select(layer => new LayerMetrics(layer, _state.ReadTally(layer), _model.Shape.Intermediate))
            .ToArray());

    /// <summary>Sets all meters to zero.</summary>
    public void ResetMetrics() => Exclusively(() =>
    {
        _state.ResetTallies();
        return true;
    });

    /// <summary>Appends a prompt to the sequence and continues it.</summary>
    /// <param name="prompt">The text. At the start of a sequence the begin-of-sequence token is put before it.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the generation after the current token, or the current part of the prompt; what has run stays in the sequence.
    /// </param>
    /// <returns>The text that follows, in pieces of whole characters, as soon as they are known.</returns>
    /// <exception cref="InvalidOperationException">
    /// No tokenizer, a full context, or another call is still running. The session is taken from the first piece asked for to the last.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was canceled; the session can be used again.</exception>
    public async IAsyncEnumerable<string> GenerateAsync(
        string prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new GenerationOptions();
        options.Validate();
        var pieces = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // The loop is all computation: it runs on one pool thread and hands over text, so that a slow reader never holds it up.
        Task producer = Task.Run(
            () =>
            {
                try
                {
                    Enter();
                    try
                    {
                        Generate(prompt, options, pieces.Writer, stop.Token);
                    }
                    finally
                    {
                        Leave();
                    }

                    pieces.Writer.Complete();
                }
                catch (Exception exception)
                {
                    pieces.Writer.Complete(exception);
                }
            },
            CancellationToken.None);
        try
        {
            await foreach (string piece in pieces.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return piece;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await producer.ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Frees the session's buffers.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        Enter();
        _disposed = true;
        _state.Dispose();
        _lease.Dispose();
        Leave();
    }

    private void Generate(string prompt, GenerationOptions options, ChannelWriter<string> writer, CancellationToken stop)
    {
        LastGeneration = null;
        Tokenizer tokenizer = _model.Tokenizer;
        bool continues = Position > 0;
        int[] tokens = tokenizer.Encode(prompt, addBeginOfSequence: !continues, continuesText: continues);
        if (_pending is { } pending)
        {
            tokens = [pending, .. tokens];
        }

        if (tokens.Length == 0)
        {
            throw new ArgumentException("The prompt is empty, and no token of the sequence is left to continue from: give some text.", nameof(prompt));
        }

        // A model's vocabulary may be padded beyond the tokenizer's: those ids are no text.
        int vocabulary = tokenizer.VocabularySize;
        var sampler = new Sampler(options, vocabulary);
        var matcher = new StopStringMatcher(options.StopStrings);
        TokenStream stream = tokenizer.CreateStream();
        long start = Stopwatch.GetTimestamp();
        int promptTokens = RunPrompt(tokens, stop);
        _pending = null;
        foreach (int token in tokens)
        {
            sampler.Accept(token);
        }

        long promptDone = Stopwatch.GetTimestamp();
        int generated = 0;
        int decoded = 0;
        StopReason reason = StopReason.MaxTokens;
        while (generated < options.MaxTokens)
        {
            if (stop.IsCancellationRequested)
            {
                reason = StopReason.Canceled;
                break;
            }

            int token = Choose(sampler, vocabulary);
            if (!options.IgnoreEndOfSequence && tokenizer.IsEndOfGeneration(token))
            {
                reason = StopReason.EndOfSequence;
                break;
            }

            generated++;
            Emit(matcher.Append(stream.Append(token)));
            if (matcher.StoppedBy is not null)
            {
                reason = StopReason.StopString;
                break;
            }

            if (Position == Context)
            {
                reason = StopReason.ContextFull;
                break;
            }

            if (generated < options.MaxTokens)
            {
                Step([token], isPrompt: false, []);
                decoded++;
            }
            else
            {
                _pending = token;
            }
        }

        if (reason != StopReason.StopString)
        {
            Emit(matcher.Append(stream.Flush()));
            Emit(matcher.Flush());
        }

        LastGeneration = new GenerationReport(
            promptTokens, generated, decoded, Stopwatch.GetElapsedTime(start, promptDone), Stopwatch.GetElapsedTime(promptDone), reason);

        void Emit(string text)
        {
            if (text.Length > 0)
            {
                writer.TryWrite(text);
            }
        }
    }

    /// <summary>The next token. Where it is simply the most probable one, the device may know it, and the logits stay there.</summary>
    private int Choose(Sampler sampler, int vocabulary) =>
        sampler.IsPlainGreedy && _state.TryGreedy(vocabulary, out int token) ? token : sampler.Sample(_state.LastLogits[..vocabulary]);

    /// <summary>Runs a prompt in parts, which changes no bit, so that a long one can be canceled. Returns how many tokens ran.</summary>
    private int RunPrompt(ReadOnlySpan<int> tokens, CancellationToken stop)
    {
        RequireRunnable(tokens);
        int done = 0;
        while (done < tokens.Length && !stop.IsCancellationRequested)
        {
            ReadOnlySpan<int> part = tokens.Slice(done, Math.Min(CancelablePrompt, tokens.Length - done));
            Step(part, isPrompt: true, []);
            done += part.Length;
        }

        return done;
    }

    private void Run(ReadOnlySpan<int> tokens, bool isPrompt, Span<float> allLogits)
    {
        Enter();
        try
        {
            RequireRunnable(tokens);
            _pending = null;
            Step(tokens, isPrompt, allLogits);
        }
        finally
        {
            Leave();
        }
    }

    private T Exclusively<T>(Func<T> action)
    {
        Enter();
        try
        {
            return action();
        }
        finally
        {
            Leave();
        }
    }

    private void Step(ReadOnlySpan<int> tokens, bool isPrompt, Span<float> allLogits) =>
        _state.Run(tokens, new StepOptions(Mode, isPrompt, SparsePrompt, Metering, Timing), allLogits);

    private void RequireRunnable(ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty)
        {
            throw new ArgumentException("At least one token is needed.", nameof(tokens));
        }

        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_model.Shape.Vocabulary)
            {
                throw new ArgumentException($"Token {token} is not in the vocabulary of {_model.Shape.Vocabulary}.", nameof(tokens));
            }
        }

        if (tokens.Length > Context - Position)
        {
            throw new InvalidOperationException(
                $"{tokens.Length} tokens do not fit: {Position} of {Context} are in use. "
                + "Shorten the prompt, rewind the session, or ask for a longer SessionOptions.Context.");
        }
    }

    private void Enter()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("Another call on this session is still running: a session is one sequence. Create another session.");
        }

        if (_disposed)
        {
            Leave();
            throw new ObjectDisposedException(nameof(Session));
        }
    }

    private void Leave() => Volatile.Write(ref _busy, 0);
}
