using System.Runtime.CompilerServices;
using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>One sequence of tokens on a loaded model. Not for several threads at once; any number of sessions can run side by side.</summary>
/// <remarks>
/// The sequence is the text that was shown: the tokens of prompts, those given to <see cref="Forward(ReadOnlySpan{int})"/>, and those that
/// a generation handed out, the last one included. This holds after every call, however it ends. Each token is computed when its result is
/// needed, the way it came in, so that text does not depend on how a conversation is cut into calls.
/// </remarks>
public sealed class Session : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ProgramLease _lease;
    private readonly DecoderState _state;
    private readonly TokenSequence _sequence;
    private ExclusiveUse _use;

    internal Session(LanguageModel model, ProgramLease lease, DecoderState state, KeyValueType cacheType, SessionOptions options)
    {
        _model = model;
        _lease = lease;
        _state = state;
        _sequence = new TokenSequence(state, model.Shape.Layers, model.Shape.Vocabulary);
        CacheType = cacheType;
        Mode = options.Mode;
        SparsePrompt = options.SparsePrompt;
        Metering = options.Metering;
        Timing = options.Timing;
        Observer = options.Observer;
    }

    /// <summary>What is skipped; may change between calls.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none of <see cref="SparsityMode"/>.</exception>
    public SparsityMode Mode { get; set => field = EnumArgument.Require(value); }

    /// <summary>As <see cref="SessionOptions.SparsePrompt"/>; may change between calls.</summary>
    public bool SparsePrompt { get; set; }

    /// <summary>As <see cref="SessionOptions.Metering"/>; may change between calls.</summary>
    public bool Metering { get; set; }

    /// <summary>As <see cref="SessionOptions.Timing"/>; may change between calls.</summary>
    public bool Timing { get; set; }

    /// <summary>As <see cref="SessionOptions.Observer"/>; may change between calls, so that a prompt is computed in batches and what follows is seen.</summary>
    /// <exception cref="NotSupportedException">The model shows nothing.</exception>
    /// <exception cref="InvalidOperationException">A call is still running.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public IActivationObserver? Observer
    {
        get;
        set => field = Exclusively(() =>
        {
            _state.Observe(value);
            return value;
        });
    }

    /// <summary>Tokens in the sequence so far: of prompts, and handed out.</summary>
    public int Position => _sequence.Position;

    /// <summary>The sequence, [<see cref="Position"/>] ids; later calls may overwrite them.</summary>
    public ReadOnlySpan<int> Tokens => _sequence.Tokens[..Position];

    /// <summary>Most tokens it can hold.</summary>
    public int Context => _sequence.Capacity;

    /// <summary>How keys and values are stored: what <see cref="SessionOptions.CacheType"/> asked for, or the device's choice.</summary>
    public KeyValueType CacheType { get; }

    internal LanguageModel Model => _model;

    internal DecoderState State => _state;

    internal TokenSequence Sequence => _sequence;

    internal bool IsDisposed => _use.IsDisposed;

    internal StepOptions Step => new(Mode, IsPrompt: false, SparsePrompt, Metering, Timing);

    /// <summary>How the last generation went; null before the first, and after one that failed.</summary>
    public GenerationReport? LastGeneration { get; internal set; }

    /// <summary>
    /// Appends tokens and returns the logits of the last: the lower level, for loops of one's own. Allocates nothing.
    /// </summary>
    /// <param name="tokens">Ids. One token is a decoding step; several are a prompt, computed in batches.</param>
    /// <returns>[vocabulary]; overwritten by the next call.</returns>
    /// <exception cref="ArgumentException">No tokens, or an id outside the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">The context is full, or another call is still running.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens) => Run(tokens, decoded: tokens.Length == 1, []);

    /// <summary>Appends a prompt and returns the logits of every token.</summary>
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

        Run(tokens, decoded: false, logits);
    }

    /// <summary>
    /// Forgets the tokens from a position on: 0 starts anew. Where a policy chooses by prompts (<c>[PromptNeurons]</c>) and one of these is taken back, the tokens
    /// that are left are computed again when the sequence goes on.
    /// </summary>
    /// <param name="position">0 to <see cref="Position"/>.</param>
    public void Rewind(int position) => Exclusively(() =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        _sequence.Rewind(position);
        return true;
    });

    /// <summary>
    /// What each layer's feed-forward did while <see cref="Metering"/> was on, and how long it took while <see cref="Timing"/> was. A
    /// token counts once, when it is computed for the sequence; the last token may not be computed yet.
    /// </summary>
    public IReadOnlyList<LayerMetrics> ReadMetrics() =>
        Exclusively(() => Enumerable.Range(0, _model.Shape.Layers)
            .Select(layer => new LayerMetrics(layer, _sequence.Meters.Read(layer), _model.Shape.ActiveNeurons))
            .ToArray());

    /// <summary>
    /// What the head did while <see cref="Metering"/> was on, of a model with <c>[VocabularyPredictor]</c>: how many words got a logit, and the bytes read for it.
    /// Tokens whose logits nobody asks for, those of a prompt but the last, do not count.
    /// </summary>
    public VocabularyMetrics ReadVocabularyMetrics() =>
        Exclusively(() => new VocabularyMetrics(_sequence.Meters.Read(_model.Shape.Layers), _model.Shape.Vocabulary));

    /// <summary>Sets all meters to zero.</summary>
    public void ResetMetrics() => Exclusively(() =>
    {
        _sequence.Meters.Reset();
        return true;
    });

    /// <summary>Appends a prompt to the sequence and continues it.</summary>
    /// <param name="prompt">
    /// The text. At the start of a sequence the begin-of-sequence token is put before it. Empty: the sequence goes on as if it had never
    /// been interrupted, whether the call before ended by itself, was broken off or canceled.
    /// </param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the generation after the current token, or the current part of the prompt. The sequence keeps the prompt, unless it was
    /// canceled before that was begun, and what was handed out.
    /// </param>
    /// <returns>
    /// The text that follows, in pieces of whole tokens and whole characters. Each is computed when it is asked for, on a thread of the
    /// pool: after a reader stops, nothing runs on.
    /// </returns>
    /// <exception cref="ArgumentException">There is neither a prompt nor a sequence.</exception>
    /// <exception cref="InvalidOperationException">
    /// No tokenizer, a prompt that does not fit, or another call is still running. The session is taken from the first piece asked for until
    /// the last has come, or the reader stops.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">It was canceled; the session can be used again.</exception>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return GenerateAsync(new ChatPrompt(prompt), options, cancellationToken);
    }

    /// <summary>Appends a rendered conversation, or its next turns, to the sequence and continues it.</summary>
    /// <param name="prompt">What <see cref="ChatTemplate"/> made.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">As for a text.</param>
    /// <returns>The text that follows, as for a text.</returns>
    /// <exception cref="InvalidOperationException">As for a text.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed, before or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">It was canceled; the session can be used again.</exception>
    public async IAsyncEnumerable<string> GenerateAsync(
        ChatPrompt prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options ??= new GenerationOptions();
        options.Validate();
        Generation generation = await OnPool(() => Begin(prompt, options, cancellationToken)).ConfigureAwait(false);
        GenerationReport? report = null;
        bool failed = true;
        try
        {
            Func<string?> next = generation.Next;
            while (true)
            {
                string? piece = await OnPool(next).ConfigureAwait(false);
                failed = false;
                if (piece is null)
                {
                    break;
                }

                yield return piece;
                failed = true;
            }
        }
        finally
        {
            // A reader who stops leaves from the yield.
            report = failed ? null : generation.Report;
            LastGeneration = report;
            Leave();
        }

        if (report!.Reason == StopReason.Canceled)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// Frees the session's buffers. A call that is still running ends at its next token with <see cref="ObjectDisposedException"/>, and frees
    /// them then.
    /// </summary>
    public void Dispose()
    {
        if (_use.Dispose())
        {
            Free();
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    /// <summary>Takes the session for a call, which must <see cref="Leave"/> it.</summary>
    internal Entry TryEnter() => _use.TryEnter();

    /// <summary>Gives the session back, and frees it if it was disposed of meanwhile.</summary>
    internal void Leave()
    {
        if (_use.Leave())
        {
            Free();
        }
    }

    /// <exception cref="ArgumentException">No tokens, or one that is not in the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">They do not fit.</exception>
    internal void RequireRunnable(ReadOnlySpan<int> tokens)
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

    private static Task<T> OnPool<T>(Func<T> compute) => Task.Run(compute, CancellationToken.None);

    /// <summary>Takes the session for a generation: who drives it must <see cref="Leave"/>.</summary>
    internal Generation Begin(ChatPrompt prompt, GenerationOptions options, CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            LastGeneration = null;
            return new Generation(this, _model.Tokenizer.EncodeChat(prompt, continuesText: Position > 0), options, view: null, cancellationToken);
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>As <see cref="Begin(ChatPrompt, GenerationOptions, CancellationToken)"/>, of tokens.</summary>
    internal Generation Begin(int[] prompt, GenerationOptions options, GenerationView view, CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            LastGeneration = null;
            return new Generation(this, prompt, options, view, cancellationToken);
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>Appends a prompt for the hidden states of its tokens.</summary>
    /// <param name="prompt">Ids.</param>
    /// <param name="hidden">Gets them.</param>
    /// <param name="cancellationToken">Ends it after the current part of the prompt.</param>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    internal void ReadHidden(ReadOnlySpan<int> prompt, HiddenPool hidden, CancellationToken cancellationToken)
    {
        Enter();
        try
        {
            RequireRunnable(prompt);
            _sequence.Append(prompt, decoded: false);
            while (_sequence.Computed < _sequence.Count)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hidden.ReadFrom(_sequence, TokenSequence.MaxStep);
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <returns>The logits of the last token, where there is no room for those of all. Fetched before the session is left: a device has them until then.</returns>
    private ReadOnlySpan<float> Run(ReadOnlySpan<int> tokens, bool decoded, Span<float> logits)
    {
        Enter();
        try
        {
            RequireRunnable(tokens);
            int position = Position;
            int[] held = _sequence.Held.ToArray();
            _sequence.Append(tokens, decoded);
            try
            {
                while (!_sequence.IsComputed)
                {
                    ThrowIfDisposed();
                    _sequence.ComputeNext(Step, logits);
                }

                return logits.IsEmpty ? _state.LastLogits : default;
            }
            catch
            {
                _sequence.Rewind(position);
                _sequence.HoldAgain(held);
                throw;
            }
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

    /// <summary>Takes the session for a call, which must <see cref="Leave"/> it.</summary>
    /// <exception cref="InvalidOperationException">Another call is still running.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    internal void Enter()
    {
        Entry entry = TryEnter();
        ObjectDisposedException.ThrowIf(entry == Entry.Disposed, this);
        if (entry == Entry.Busy)
        {
            throw new InvalidOperationException("Another call on this session is still running: a session is one sequence. Create another session.");
        }
    }

    private void Free()
    {
        try
        {
            _state.Dispose();
        }
        finally
        {
            _lease.Dispose();
        }
    }
}
