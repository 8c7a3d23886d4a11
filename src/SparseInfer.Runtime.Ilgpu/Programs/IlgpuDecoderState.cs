using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Base class of a generated program's session on an ILGPU device. A run enqueues its kernels on the device's stream; of its results only
/// what is asked for is copied back: one token id where sampling is greedy, else the last token's logits.
/// </summary>
public abstract partial class IlgpuDecoderState : DecoderState
{
    private readonly IlgpuDecoderProgram _program;
    private readonly IlgpuDevice _device;
    private readonly OwnedBuffers _buffers;
    private readonly int _vocabulary;
    private readonly int[] _ids;
    private readonly int _countsPerLayer;
    private readonly LayerTally[] _metered;
    private readonly (long Row, long? DownRow)[] _rowBytes;
    private LayerTally _head;
    private readonly int _neurons;
    private readonly float[] _lastLogits;
    private readonly DeviceBuffer<int> _tokens;
    private readonly DeviceBuffer<int> _greedy;
    private readonly DeviceBuffer<int> _counts;
    private readonly GrowingBuffer<float> _logits;
    private readonly ChannelCounts? _channels;
    private StepOptions _step;

    /// <summary>Where the last token's logits begin on the device; negative: no token was run.</summary>
    private long _last = -1;
    private bool _lastIsHere;

    /// <summary>The greedy token of a run together with other sequences, which brings it; null: the device has it.</summary>
    private int? _greedyIsHere;
    private bool _idsAreRead = true;

    /// <summary>Allocates what every program needs.</summary>
    /// <param name="program">The program.</param>
    /// <param name="capacity">Most tokens the session can hold.</param>
    /// <param name="batch">Most tokens of one prompt batch.</param>
    /// <param name="counts">Numbers that a layer's metered kernels count, four a warp.</param>
    /// <param name="inputs">Inputs of a layer whose channels are chosen.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    protected IlgpuDecoderState(IlgpuDecoderProgram program, int capacity, int batch, int counts, int inputs = 0)
    {
        ArgumentNullException.ThrowIfNull(program);
        _program = program;
        _device = program.Device;
        _buffers = new OwnedBuffers(_device);
        _vocabulary = program.Shape.Vocabulary;
        Capacity = capacity;

        // Pinned: a copy that is only enqueued may read it later.
        _ids = GC.AllocateArray<int>(batch, pinned: true);
        _lastLogits = GC.AllocateArray<float>(_vocabulary, pinned: true);
        _countsPerLayer = counts;
        _metered = new LayerTally[program.Shape.Layers];
        _rowBytes = new (long, long?)[program.Shape.Layers];
        _neurons = program.Shape.ActiveNeurons;
        _tokens = Buffer<int>(batch, "a session's tokens");
        _greedy = Buffer<int>(1, "a session's next token");
        _counts = Buffer<int>((long)counts * program.Shape.Layers, "a session's meters");
        _logits = Growing<float>(_vocabulary, "a session's logits");
        int layers = program.Shape.Layers;
        _channels = inputs == 0 ? null : new ChannelCounts(Buffer<long>(ChannelCounts.Length(layers, inputs, batch), "a session's meters"), layers, inputs, batch);
    }

    /// <inheritdoc/>
    public override int Capacity { get; }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> LastLogits
    {
        get
        {
            if (!_lastIsHere && _last >= 0)
            {
                RequireAlive();
                _logits.Buffer.CopyTo(_last, _lastLogits);
                _lastIsHere = true;
                _idsAreRead = true;
            }

            return _lastLogits;
        }
    }

    /// <summary>The key-value cache that it made; null: none.</summary>
    internal KeyValueCache? KeyValues { get; private set; }

    /// <summary>The model's rotary tables, for <see cref="Capacity"/> positions at least; empty where it asked for none.</summary>
    internal (ArrayView<float> Cos, ArrayView<float> Sin) Rotary { get; private set; }

    /// <summary>The device.</summary>
    protected IlgpuDevice Device => _device;

    /// <summary>Ids of this batch, [batch].</summary>
    protected ArrayView<int> Tokens => _tokens.View;

    /// <summary>Where logits go, [tokens from <see cref="LogitsFrom"/> on x vocabulary]. May be another view in each batch.</summary>
    protected ArrayView<float> Logits => _logits.View;

    /// <summary>
    /// One int: the id of the last token's greatest logit, the lowest among equals; negative where a logit is NaN or positive infinity, or
    /// all are negative infinity. Written by each batch whose last token's logits are asked for.
    /// </summary>
    protected ArrayView<int> Greedy => _greedy.View;

    /// <summary>What is skipped in this run.</summary>
    protected SparsityMode Mode => _step.Mode;

    /// <summary>Whether this batch computes every neuron, for all tokens together.</summary>
    protected bool PromptIsDense => !_step.SparsePrompt;

    /// <summary>Whether this run's prompt skips neurons of each token's own, several tokens together: where kernels count, they have one token.</summary>
    protected bool SkipsTogether => _step is { IsPrompt: true, SparsePrompt: true, Metering: false };

    /// <summary>Whether this run is a prompt's, of several tokens at a time.</summary>
    protected bool IsPrompt => _step.IsPrompt;

    /// <summary>Whether kernels shall count.</summary>
    protected bool Metering => _step.Metering;

    /// <summary>Tokens of this batch.</summary>
    protected int TokenCount { get; private set; }

    /// <summary>The first token of this batch whose logits are asked for; <see cref="TokenCount"/>: none.</summary>
    protected int LogitsFrom { get; private set; }

    /// <summary>
    /// Runs tokens after those it holds. Kernels are not timed: <see cref="StepOptions.Timing"/> has no effect on these devices.
    /// </summary>
    /// <inheritdoc/>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for so many tokens. The session is what it was.</exception>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    /// <exception cref="ObjectDisposedException">The session, or the device, was disposed.</exception>
    public sealed override void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits)
    {
        RequireAlive();
        _step = step;
        _device.Use(new Call(this, tokens, allLogits), static call => call.State.RunBatches(call.Tokens, call.Rows));

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public sealed override bool TryGreedy(int vocabulary, out int token)
    {
        token = -1;
        if (_last < 0)
        {
            return false;
        }

        RequireAlive();
        if (_greedyIsHere is { } brought)
        {
            token = brought;
        }
        else
        {
            _greedy.CopyTo(MemoryMarshal.CreateSpan(ref token, 1));
            _idsAreRead = true;
        }

        // The greatest of all is the greatest of a part that it belongs to.
        return token >= 0 && token < vocabulary;
    }

    /// <inheritdoc/>
    public sealed override void Dispose() => _buffers.Dispose();

    /// <summary>Enqueues one token: Tokens[0], at <see cref="DecoderState.Position"/>.</summary>
    protected abstract void Decode();

    /// <summary>Enqueues a batch of <see cref="TokenCount"/> prompt tokens, the first at <see cref="DecoderState.Position"/>.</summary>
    protected abstract void Prompt();

    /// <summary>Makes room for so many tokens, before a run that begins at <see cref="DecoderState.Position"/>: what grows with a sequence.</summary>
    /// <param name="positions">At most <see cref="Capacity"/>.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it. The session must be what it was.</exception>
    protected virtual void Reserve(int positions)
    {
    }

    /// <summary>Clears what a policy remembers of prompts. Within a run.</summary>
    /// <param name="sums">Sums become 0.</param>
    protected static void ForgetSums(ArrayView<double> sums) => sums.MemSetToZero();

    /// <summary>Chooses all. Within a run.</summary>
    /// <param name="chosen">Bits are set.</param>
    protected static void ChooseAll(ArrayView<uint> chosen) => chosen.MemSet(byte.MaxValue);

    /// <summary>Chooses the largest sums, of equals the first: on the host, once a prompt. Within a run, for which it waits.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="neurons">How many of them count.</param>
    /// <param name="count">How many are chosen.</param>
    /// <param name="chosen">A bit for each, 32 a word.</param>
    protected void ChooseLargest(ArrayView<double> sums, int neurons, int count, ArrayView<uint> chosen)
    {
        double[] host = new double[sums.Length];
        uint[] words = new uint[chosen.Length];
        sums.CopyToCPU(_device.Accelerator.DefaultStream, host.AsSpan());
        NeuronBits.ChooseLargest(in host[0], neurons, count, ref words[0]);
        chosen.CopyFromCPU(_device.Accelerator.DefaultStream, words.AsSpan());
        _idsAreRead = true;
    }

    /// <summary>
    /// Cosines and sines of the positions that the session can hold, [at least capacity x pairs] each: the model's, for all its sessions.
    /// For constructors: where there is no room, what there is already is freed.
    /// </summary>
    /// <param name="table">Where they are worked out.</param>
    /// <param name="pairs">Pairs of dimensions that are rotated.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    protected (ArrayView<float> Cos, ArrayView<float> Sin) RotaryTables(RopeTable table, int pairs)
    {
        ArgumentNullException.ThrowIfNull(table);
        return Rotary = _buffers.WhileMaking(() => _program.RotaryTables(table, pairs, Capacity));
    }

    /// <summary>Allocates zeroed device memory that the session owns. For constructors: where there is no room, what there is already is freed.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="what">What it is for, as an error calls it.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    protected DeviceBuffer<T> Buffer<T>(long count, string what)
        where T : unmanaged => _buffers.Buffer<T>(count, what);

    /// <summary>Allocates zeroed device memory that the session owns and that may grow.</summary>
    /// <inheritdoc cref="Buffer{T}"/>
    protected GrowingBuffer<T> Growing<T>(long count, string what)
        where T : unmanaged => _buffers.Growing<T>(count, what);

    /// <summary>
    /// Allocates the first page of the session's key-value cache, which the session owns. For constructors, as <see cref="Buffer{T}"/>, once.
    /// </summary>
    /// <param name="type">How it stores numbers.</param>
    /// <param name="rowElements">Numbers of a position in a layer, keys and values; a multiple of 16.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    protected KeyValueCache Cache(KeyValueType type, int rowElements) =>
        KeyValues = _buffers.Own(() => new KeyValueCache(_device, type, _metered.Length, rowElements, Capacity));

    /// <summary>Enqueues copying the logits of a run together with other sequences to where <see cref="LastLogits"/> is.</summary>
    /// <param name="logits">[vocabulary].</param>
    internal void EnqueueLogits(ArrayView<float> logits)
    {
        _last = -1;
        logits.CopyToCPUUnsafeAsync(_device.Accelerator.DefaultStream, ref _lastLogits[0], _vocabulary);
    }

    /// <summary>Notes that a run together with other sequences is done, and what was enqueued is there.</summary>
    /// <param name="greedy">As <see cref="Greedy"/>.</param>
    internal void RanTogether(int greedy)
    {
        Position++;
        _last = 0;
        _lastIsHere = true;
        _greedyIsHere = greedy;
        _idsAreRead = true;
    }

    private void RunBatches(ReadOnlySpan<int> tokens, Span<float> allLogits)
    {
        MakeRoom(tokens.Length);
        bool remembers = BeginRun(_program, _step);
        bool all = !allLogits.IsEmpty;
        int batch = _step.IsPrompt ? _ids.Length : 1;
        for (int done = 0; done < tokens.Length; done += TokenCount)
        {
            ReadOnlySpan<int> part = tokens.Slice(done, Math.Min(batch, tokens.Length - done));
            TokenCount = part.Length;
            bool last = done + part.Length == tokens.Length;
            LogitsFrom = all ? 0 : last ? part.Length - 1 : part.Length;
            _logits.Grow((long)(part.Length - LogitsFrom) * _vocabulary, kept: 0, "the logits of a prompt batch");
            RunBatch(part, remembers);
            if (all)
            {
                _logits.Buffer.CopyTo(0, allLogits.Slice(done * _vocabulary, part.Length * _vocabulary));
                _idsAreRead = true;
            }
        }

        _last = (long)(TokenCount - 1 - LogitsFrom) * _vocabulary;
        _lastIsHere = false;
        _greedyIsHere = null;
    }

    private void RunBatch(ReadOnlySpan<int> part, bool remembers)
    {
        SendTokens(part);
        _last = -1;
        BeginBatch(part.Length, remembers);
        try
        {
            Enqueue();
        }
        catch
        {
            FailBatch();
            throw;
        }

        EndBatch(part.Length);
    }

    private void Enqueue()
    {
        if (_step.IsPrompt)
        {
            Prompt();
        }
        else
        {
            Decode();
        }
    }

    private void SendTokens(ReadOnlySpan<int> part)
    {
        // The copy is not waited for: before the ids change, something must have been.
        if (!_idsAreRead)
        {
            _device.Accelerator.DefaultStream.Synchronize();
        }

        part.CopyTo(_ids);
        _tokens.View.CopyFromCPUUnsafeAsync(_device.Accelerator.DefaultStream, ref _ids[0], part.Length);
        _idsAreRead = false;
    }

    private void MakeRoom(int tokens)
    {
        try
        {
            Reserve(Position + tokens);
        }
        catch (InsufficientDeviceMemoryException exception)
        {
            throw new InsufficientDeviceMemoryException(
                $"A session at position {Position} of {Capacity} has no room for {(tokens == 1 ? "one more token" : $"{tokens} more tokens")}. {exception.Message} "
                + "The session is as it was: dispose of other sessions and call again, or rewind it to make room within what it has.",
                exception);
        }
    }

    private void RequireAlive() => ObjectDisposedException.ThrowIf(_buffers.IsDisposed, this);

    private readonly ref struct Call(IlgpuDecoderState state, ReadOnlySpan<int> tokens, Span<float> rows)
    {
        public IlgpuDecoderState State { get; } = state;

        public ReadOnlySpan<int> Tokens { get; } = tokens;

        public Span<float> Rows { get; } = rows;
    }
}
