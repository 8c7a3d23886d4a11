using System.Runtime.CompilerServices;
using SparseInfer.Runtime;
using SparseInfer.Text;

namespace SparseInfer;

/// <summary>A loaded model. Generated classes derive from it and add <c>Load</c>. Safe to use from several threads: each session is one sequence.</summary>
public abstract partial class LanguageModel : IDisposable
{
    private readonly Tokenizer? _tokenizer;
    private readonly string? _whyNoTokenizer;

    /// <summary>Null once disposed: from then on sessions alone keep it.</summary>
    private DecoderProgram? _program;

    /// <summary>Takes over a loaded program. For generated code.</summary>
    /// <param name="loaded">What <see cref="ModelLoader"/> made.</param>
    protected LanguageModel(LoadedModel loaded)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        _program = loaded.Program;
        DecodesAsPrompts = loaded.Program.DecodesAsPrompts;
        _tokenizer = loaded.Tokenizer;
        _whyNoTokenizer = loaded.WhyNoTokenizer;
        ChatTemplate = loaded.ChatTemplate;
        _embeddings = loaded.Embeddings;
        Device = loaded.Device;
        Shape = loaded.Shape;
        LoadReport = loaded.Report;
    }

    /// <summary>What was declared.</summary>
    public ModelShape Shape { get; }

    /// <summary>Where it runs.</summary>
    public Device Device { get; }

    /// <summary>What loading found.</summary>
    public LoadReport LoadReport { get; }

    /// <summary>Whether there is a tokenizer, so that text can be used instead of token ids.</summary>
    public bool HasTokenizer => _tokenizer is not null;

    /// <summary>Why there is no tokenizer, as a clause; null where there is one.</summary>
    internal string? WhyNoTokenizer => _whyNoTokenizer;

    /// <summary>As <see cref="DecoderProgram.DecodesAsPrompts"/>.</summary>
    internal bool DecodesAsPrompts { get; }

    /// <summary>The tokenizer.</summary>
    /// <exception cref="InvalidOperationException">The file has none that can be used; the message says why.</exception>
    public Tokenizer Tokenizer => _tokenizer ?? throw new InvalidOperationException(
        $"{Shape.Name} was loaded without a tokenizer: {_whyNoTokenizer}. "
        + "Give LoadOptions.TokenizerPath or LoadOptions.Tokenizer, or use Session.Forward with token ids.");

    /// <summary>
    /// The file's chat template; null where there is none, or none that can be used: <see cref="LoadReport"/> then says why.
    /// </summary>
    public ChatTemplate? ChatTemplate { get; }

    /// <summary>Starts a sequence of its own: key-value cache and activations. Weights are shared.</summary>
    /// <param name="options">How; null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The context asked for is longer than declared.</exception>
    /// <exception cref="NotSupportedException">
    /// The device does not store keys and values as <see cref="SessionOptions.CacheType"/> has it, or the model shows nothing to a
    /// <see cref="SessionOptions.Observer"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed; sessions made before live on.</exception>
    public Session CreateSession(SessionOptions? options = null)
    {
        DecoderProgram? program = Volatile.Read(ref _program);
        ObjectDisposedException.ThrowIf(program is null, this);
        options ??= new SessionOptions();
        int context = options.Context ?? Shape.Context;
        if (context < 1 || context > Shape.Context)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), context, $"SessionOptions.Context must be 1 to {Shape.Context}, the context that {Shape.Name} declares.");
        }

        KeyValueType cacheType = options.CacheType ?? program.CacheTypes[0];
        if (!program.CacheTypes.Contains(cacheType))
        {
            throw new NotSupportedException(
                $"SessionOptions.CacheType = {cacheType}: on device '{Device.Name}' keys and values are stored in {string.Join(" or ", program.CacheTypes)} only. "
                + "Ask for that, or leave it null for the device's own choice.");
        }

        ProgramLease lease = program.Acquire();
        DecoderState? state = null;
        try
        {
            state = program.CreateState(context, cacheType);
            state.Lease = lease; // a state that runs keeps it
            return new Session(this, lease, state, cacheType, options);
        }
        catch (InsufficientMemoryException exception)
        {
            state?.Dispose();
            lease.Dispose();
            throw new InsufficientMemoryException(
                $"There is no memory for a session of {context} tokens, most of it key-value cache: ask for a smaller SessionOptions.Context. {exception.Message}", exception);
        }
        catch
        {
            state?.Dispose();
            lease.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes what decodes several sessions of this model together: one call gives each a token, and reads the weights once for all where the
    /// device has kernels for that (<see cref="SessionBatch"/>).
    /// </summary>
    /// <param name="maxSessions">Most sessions of one call, 1 to 16.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxSessions"/> is not 1 to 16.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed; batches made before live on.</exception>
    public SessionBatch CreateBatch(int maxSessions = DecoderBatch.MaxStates)
    {
        if (maxSessions is < 1 or > DecoderBatch.MaxStates)
        {
            throw new ArgumentOutOfRangeException(
                nameof(maxSessions), maxSessions, $"A batch has 1 to {DecoderBatch.MaxStates} sessions a call. Give more sessions turns, {DecoderBatch.MaxStates} at a time.");
        }

        return new SessionBatch(this, CreateDecoder(maxSessions), maxSessions);
    }

    /// <summary>
    /// Makes what serves any number of generations on sessions of this model at the same time, decoded together as far as the device can
    /// (<see cref="BatchScheduler"/>).
    /// </summary>
    /// <param name="options">How many at a time, how many may wait, how prompts are cut; null: the defaults.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed; schedulers made before live on.</exception>
    public BatchScheduler CreateScheduler(SchedulerOptions? options = null)
    {
        options ??= new SchedulerOptions();
        return new BatchScheduler(this, CreateDecoder(options.MaxSessions, metered: options.MeterEvery is not null), options);
    }

    /// <summary>Continues a prompt, in a session of its own.</summary>
    /// <param name="prompt">The text to continue.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the generation after the current token.</param>
    /// <returns>
    /// The text that follows the prompt, in pieces of whole characters. As no call can go on from here, nothing is held back at the end.
    /// </returns>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return GenerateAsync(new ChatPrompt(prompt), options, cancellationToken);
    }

    /// <summary>Answers a rendered conversation, in a session of its own.</summary>
    /// <param name="prompt">What <see cref="ChatTemplate"/> made.</param>
    /// <param name="options">Length, sampling, stop strings; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the generation after the current token.</param>
    /// <returns>The answer, as for a text.</returns>
    public async IAsyncEnumerable<string> GenerateAsync(
        ChatPrompt prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        using Session session = CreateSession();
        await foreach (string piece in session.GenerateAsync(prompt, options, cancellationToken).ConfigureAwait(false))
        {
            yield return piece;
        }

        if (session.LastGeneration is { HeldText: { Length: > 0 } held })
        {
            yield return held;
        }
    }

    /// <summary>Frees the weights, once the last session is disposed as well, or collected.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _program, null)?.Release();
        GC.SuppressFinalize(this);
    }

    private GroupedDecoder CreateDecoder(int maxSessions, bool metered = false)
    {
        DecoderProgram? program = Volatile.Read(ref _program);
        ObjectDisposedException.ThrowIf(program is null, this);
        ProgramLease lease = program.Acquire();
        DecoderBatch? together = null;
        try
        {
            // One session is computed alone, unless its steps are metered.
            together = maxSessions > 1 || metered ? program.CreateBatch(Math.Max(2, maxSessions)) : null;
            together?.Lease = lease; // one that runs keeps it
            return new GroupedDecoder(lease, together, maxSessions);
        }
        catch
        {
            together?.Dispose();
            lease.Dispose();
            throw;
        }
    }
}
