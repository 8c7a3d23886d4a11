using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>A generated program and its weights: what all sessions of a model share. Base class of generated code.</summary>
public abstract class DecoderProgram
{
    private ModelShape? _shape;
    private IReadOnlyList<ModelFile> _files = [];
    private Device? _ownedDevice;
    private int _users = 1;

    /// <summary>What was declared.</summary>
    public ModelShape Shape => _shape ?? throw new InvalidOperationException("The program is not loaded yet.");

    internal NativeMemoryPool Memory { get; } = new();

    /// <summary>What it wants from a file, in the order in which faults are told: first what is no layer's, then a layer's tensors.</summary>
    public abstract IReadOnlyList<DeclaredTensor> Tensors { get; }

    /// <summary>Whether a policy remembers prompts, and chooses by them.</summary>
    public virtual bool RemembersPrompts => false;

    /// <summary>
    /// Whether a token that is decoded in <see cref="SparsityMode.Dense"/> or <see cref="SparsityMode.Exact"/> leaves what it would have left as part of a
    /// prompt, bit for bit.
    /// </summary>
    public virtual bool DecodesAsPrompts => false;

    /// <summary>Whether the down matrix of a feed-forward may have another weight type than its other matrices.</summary>
    public virtual bool MixesDown => false;

    /// <summary>Takes all weights, once the file is known to have them.</summary>
    /// <param name="bind">Where they come from.</param>
    public abstract void Bind(WeightBinder bind);

    /// <summary>What a session's key-value cache may be stored in, the preferred first.</summary>
    public virtual IReadOnlyList<KeyValueType> CacheTypes { get; } = [KeyValueType.F32];

    /// <summary>Makes one session's state.</summary>
    /// <param name="capacity">Most tokens it can hold.</param>
    /// <param name="cacheType">How it stores keys and values, one of <see cref="CacheTypes"/>.</param>
    public abstract DecoderState CreateState(int capacity, KeyValueType cacheType);

    /// <summary>Makes what decodes tokens of several sequences together; null where the program has no kernels for that.</summary>
    /// <param name="maxStates">Most sequences of one run, 2 to <see cref="DecoderBatch.MaxStates"/>.</param>
    public virtual DecoderBatch? CreateBatch(int maxStates) => null;

    /// <param name="shape">What was declared.</param>
    /// <param name="files">What its weights may lie in: they are closed with it.</param>
    /// <param name="ownedDevice">The device that goes with it; null: it is another's.</param>
    internal void Attach(ModelShape shape, IReadOnlyList<ModelFile> files, Device? ownedDevice)
    {
        _shape = shape;
        _files = files;
        _ownedDevice = ownedDevice;

        // Sessions hold the program while they run. Once none does, its memory is collected with it, and the mapping may be too.
        foreach (ModelFile file in files)
        {
            file.UnmapWhenUnreachable();
        }
    }

    /// <summary>Counts one more user of the weights.</summary>
    /// <exception cref="ObjectDisposedException">There is none left, and the weights are freed.</exception>
    internal ProgramLease Acquire()
    {
        int users = Volatile.Read(ref _users);
        while (true)
        {
            ObjectDisposedException.ThrowIf(users == 0, typeof(LanguageModel));
            int seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return new ProgramLease(this);
            }

            users = seen;
        }
    }

    /// <summary>Counts one user less; the last frees the weights, and closes the file that they may lie in.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Free();
        }
    }

    /// <summary>As <see cref="Release"/>, for a finalizer: freeing may have to wait for a device, which is done on another thread.</summary>
    internal void ReleaseDropped()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static program => program.FreeQuietly(), this, preferLocal: false);
        }
    }

    private void FreeQuietly()
    {
        try
        {
            Free();
        }
        catch (Exception)
        {
            // A device that fails while a dropped model is freed: nobody is there to be told, and there is nothing left to free.
        }
    }

    private void Free()
    {
        try
        {
            Memory.Dispose();
        }
        finally
        {
            foreach (ModelFile file in _files)
            {
                file.Dispose();
            }

            _ownedDevice?.Dispose();
        }
    }
}

/// <summary>One session's state on one device: key-value cache and activations. Base class of generated code.</summary>
public abstract partial class DecoderState : IDisposable
{
    /// <summary>Most tokens it can hold.</summary>
    public abstract int Capacity { get; }

    /// <summary>What keeps the program's weights while this is there.</summary>
    internal ProgramLease? Lease { get; set; }

    /// <summary>Tokens it holds: the position that the next one gets.</summary>
    public int Position { get; protected set; }

    /// <summary>Runs tokens after those it holds.</summary>
    /// <param name="tokens">Ids, all below the vocabulary's size; they fit in what is left of the capacity.</param>
    /// <param name="step">How.</param>
    /// <param name="allLogits">Where the logits of all tokens go, [tokens x vocabulary]; empty: only the last token's are kept.</param>
    public abstract void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits);

    /// <summary>
    /// Runs tokens of a prompt after those it holds, densely, for their hidden states: what the output norm makes of them, which is the head's input. The head is not
    /// computed, so that there are no logits afterwards.
    /// </summary>
    /// <param name="tokens">Ids, as in <see cref="Run"/>.</param>
    /// <param name="hidden">Where they go, [tokens x hidden].</param>
    public abstract void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden);

    /// <summary>Logits of the last token run, [vocabulary]. Overwritten by the next run.</summary>
    public abstract ReadOnlySpan<float> LastLogits { get; }

    /// <summary>The token with the greatest logit of the last token run, where the device has worked it out: then no logits are copied.</summary>
    /// <param name="vocabulary">Only tokens below count.</param>
    /// <param name="token">The token, the lowest id among equals: what <see cref="Sampling.Sampler"/> takes at temperature 0.</param>
    /// <returns>False where it is not known, and where there is none because a logit is not a number: ask <see cref="LastLogits"/>.</returns>
    public virtual bool TryGreedy(int vocabulary, out int token)
    {
        token = -1;
        return false;
    }

    /// <summary>Whether somebody sees what it computes: then it is computed alone.</summary>
    public virtual bool IsObserved => false;

    /// <summary>Shows what is computed from now on to an observer.</summary>
    /// <param name="observer">Who sees it; null: nobody does.</param>
    /// <exception cref="NotSupportedException">There is an observer, and the program shows nothing.</exception>
    public virtual void Observe(IActivationObserver? observer)
    {
        if (observer is not null)
        {
            throw new NotSupportedException(
                "SessionOptions.Observer: programs of this device show nothing. Load the model with Device.Cpu(), its class declared with [Observed].");
        }
    }

    /// <summary>Adds up one layer's meters, or the head's.</summary>
    /// <param name="layer">The layer; as many as there are: the head, whose words count as neurons do, where a policy chooses words.</param>
    public abstract LayerTally ReadTally(int layer);

    /// <summary>Sets all meters to zero.</summary>
    public abstract void ResetTallies();

    /// <summary>Frees the buffers.</summary>
    public abstract void Dispose();
}

/// <summary>How a run computes.</summary>
/// <param name="Mode">What is skipped.</param>
/// <param name="IsPrompt">Whether the tokens are a prompt: batched, and dense unless <paramref name="SparsePrompt"/>.</param>
/// <param name="SparsePrompt">Whether prompt tokens go through the mode's kernels, one by one.</param>
/// <param name="Metering">Whether the meters run.</param>
/// <param name="Timing">Whether decoding takes time stamps; not where <paramref name="Metering"/> is set, which would distort them.</param>
public readonly record struct StepOptions(SparsityMode Mode, bool IsPrompt, bool SparsePrompt, bool Metering, bool Timing)
{
    /// <summary>A prompt's tokens, as they are computed for their hidden states.</summary>
    internal static StepOptions Hidden { get; } = new(SparsityMode.Dense, IsPrompt: true, SparsePrompt: false, Metering: false, Timing: false);
}
