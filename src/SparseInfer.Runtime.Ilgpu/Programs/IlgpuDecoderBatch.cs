using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Runtime;

/// <summary>
/// Base class of what a generated program decodes several sequences with, together. A run is enqueued as a session's is, and then waited for:
/// what it leaves of a sequence is that sequence's state's, as if it had run alone.
/// </summary>
public abstract class IlgpuDecoderBatch : DecoderBatch
{
    private const int TokensFrom = 0;
    private const int PositionsFrom = MaxStates;
    private const int Sent = 2 * MaxStates;

    private readonly IlgpuDevice _device;
    private readonly OwnedBuffers _buffers;
    private readonly int _vocabulary;
    private readonly IlgpuDecoderState[] _states = new IlgpuDecoderState[MaxStates];

    // Pinned: copies that are only enqueued read and write them later.
    private readonly int[] _ids;
    private readonly int[] _greedyIds;
    private readonly DeviceBuffer<int> _sent;
    private readonly DeviceBuffer<int> _greedy;
    private readonly DeviceBuffer<float> _logits;
    private bool _idsAreRead = true;

    /// <summary>Allocates what every program needs.</summary>
    /// <param name="program">The program.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    protected IlgpuDecoderBatch(IlgpuDecoderProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        _device = program.Device;
        _buffers = new OwnedBuffers(_device);
        _vocabulary = program.Shape.Vocabulary;
        _ids = GC.AllocateArray<int>(Sent, pinned: true);
        _greedyIds = GC.AllocateArray<int>(MaxStates, pinned: true);
        _sent = Buffer<int>(Sent, "a batch's tokens");
        _greedy = Buffer<int>(MaxStates, "a batch's next tokens");
        _logits = Buffer<float>((long)MaxStates * _vocabulary, "a batch's logits");
    }

    /// <summary>The device.</summary>
    protected IlgpuDevice Device => _device;

    /// <summary>Sequences of this run.</summary>
    protected int Count { get; private set; }

    /// <summary>What is skipped in this run.</summary>
    protected SparsityMode Mode { get; private set; }

    /// <summary>Each sequence's token, [16]; 0 past <see cref="Count"/>.</summary>
    protected ArrayView<int> Tokens => _sent.View.SubView(TokensFrom, MaxStates);

    /// <summary>Each sequence's position, that of its token, [16]; 0 past <see cref="Count"/>.</summary>
    protected ArrayView<int> Positions => _sent.View.SubView(PositionsFrom, MaxStates);

    /// <summary>Where each sequence's logits go, [16 x vocabulary].</summary>
    protected ArrayView<float> Logits => _logits.View;

    /// <summary>Where the id of each sequence's greatest logit goes, [16]: each as <see cref="IlgpuDecoderState.Greedy"/>.</summary>
    protected ArrayView<int> Greedy => _greedy.View;

    /// <summary>
    /// The model's rotary tables for every position of this run, [at least their number x pairs] each: those of the state that can hold most.
    /// </summary>
    protected (ArrayView<float> Cos, ArrayView<float> Sin) Rotary
    {
        get
        {
            IlgpuDecoderState longest = _states[0];
            for (int i = 1; i < Count; i++)
            {
                longest = _states[i].Capacity > longest.Capacity ? _states[i] : longest;
            }

            return longest.Rotary;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for one more token of each. All are what they were.</exception>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    /// <exception cref="ObjectDisposedException">This, or the device, was disposed.</exception>
    public sealed override void Run(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, in StepOptions step)
    {
        ObjectDisposedException.ThrowIf(_buffers.IsDisposed, this);
        _device.Use(new Call(this, states, tokens, step.Mode), static call => call.Batch.Run(call.States, call.Tokens, call.Mode));

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public sealed override void Dispose() => _buffers.Dispose();

    /// <summary>Enqueues the token of each sequence, up to its logits and greedy token.</summary>
    protected abstract void Decode();

    /// <summary>Makes room for a run: what grows with the longest sequence. Caches have theirs.</summary>
    /// <param name="positions">Most positions of any sequence, this run's included.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it. All must be what it was.</exception>
    protected virtual void Reserve(int positions)
    {
    }

    /// <summary>A sequence's state.</summary>
    /// <param name="i">0 to <see cref="Count"/> - 1.</param>
    protected IlgpuDecoderState State(int i) => _states[i];

    /// <summary>A sequence's key-value cache, with room for its token.</summary>
    /// <param name="i">0 to <see cref="Count"/> - 1.</param>
    protected KeyValueCache CacheOf(int i) =>
        _states[i].KeyValues ?? throw new InvalidOperationException($"{_states[i].GetType().Name} has made no cache.");

    /// <summary>Enqueues copying something of a sequence to the batch.</summary>
    /// <param name="from">Where it is.</param>
    /// <param name="to">Where it goes, as much.</param>
    protected void Copy(ArrayView<uint> from, ArrayView<uint> to) => from.CopyTo(_device.Accelerator.DefaultStream, to);

    /// <summary>Allocates zeroed device memory that the batch owns. For constructors: where there is no room, what there is already is freed.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="what">What it is for, as an error calls it.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    protected DeviceBuffer<T> Buffer<T>(long count, string what)
        where T : unmanaged => _buffers.Buffer<T>(count, what);

    /// <summary>Allocates zeroed device memory that the batch owns and that may grow.</summary>
    /// <inheritdoc cref="Buffer{T}"/>
    protected GrowingBuffer<T> Growing<T>(long count, string what)
        where T : unmanaged => _buffers.Growing<T>(count, what);

    private void Run(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, SparsityMode mode)
    {
        try
        {
            for (int i = 0; i < states.Length; i++)
            {
                _states[i] = (IlgpuDecoderState)states[i];
            }

            Count = states.Length;
            Mode = mode;
            MakeRoom();
            for (int i = 0; i < Count; i++)
            {
                _states[i].RequireChoice(mode);
            }

            Send(tokens);
            Decode();
            Fetch();
            for (int i = 0; i < Count; i++)
            {
                _states[i].RanTogether(_greedyIds[i]);
            }
        }
        finally
        {
            // Sessions that are dropped shall be collected.
            Array.Clear(_states);
            Count = 0;
        }
    }

    /// <summary>All of it before anything is enqueued.</summary>
    private void MakeRoom()
    {
        int positions = 0;
        for (int i = 0; i < Count; i++)
        {
            IlgpuDecoderState state = _states[i];
            positions = Math.Max(positions, state.Position + 1);
            try
            {
                state.KeyValues?.Reserve(state.Position + 1, state.Position);
            }
            catch (InsufficientDeviceMemoryException exception)
            {
                throw NoRoom($"the one at position {state.Position} of {state.Capacity}", exception);
            }
        }

        try
        {
            Reserve(positions);
        }
        catch (InsufficientDeviceMemoryException exception)
        {
            throw NoRoom($"the longest, at position {positions - 1},", exception);
        }
    }

    private InsufficientDeviceMemoryException NoRoom(string which, InsufficientDeviceMemoryException inner) => new(
        $"Of {Count} sessions that are decoded together, {which} has no room for one more token. {inner.Message} "
        + "All sessions are as they were: dispose of some and call again, or rewind some to make room within what they have.",
        inner);

    private void Send(ReadOnlySpan<int> tokens)
    {
        // Where a run failed, nobody may have waited for its copy.
        if (!_idsAreRead)
        {
            _device.Accelerator.DefaultStream.Synchronize();
        }

        Array.Clear(_ids);
        tokens.CopyTo(_ids.AsSpan(TokensFrom));
        for (int i = 0; i < Count; i++)
        {
            _ids[PositionsFrom + i] = _states[i].Position;
        }

        _idsAreRead = false;
        _sent.View.CopyFromCPUUnsafeAsync(_device.Accelerator.DefaultStream, ref _ids[0], Sent);
    }

    /// <summary>One wait brings everything.</summary>
    private void Fetch()
    {
        _greedy.View.CopyToCPUUnsafeAsync(_device.Accelerator.DefaultStream, ref _greedyIds[0], MaxStates);
        for (int i = 0; i < Count; i++)
        {
            _states[i].EnqueueLogits(_logits.View.SubView((long)i * _vocabulary, _vocabulary));
        }

        _device.Accelerator.DefaultStream.Synchronize();
        _idsAreRead = true;
    }

    private readonly ref struct Call(IlgpuDecoderBatch batch, ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, SparsityMode mode)
    {
        public IlgpuDecoderBatch Batch { get; } = batch;

        public ReadOnlySpan<DecoderState> States { get; } = states;

        public ReadOnlySpan<int> Tokens { get; } = tokens;

        public SparsityMode Mode { get; } = mode;
    }
}
