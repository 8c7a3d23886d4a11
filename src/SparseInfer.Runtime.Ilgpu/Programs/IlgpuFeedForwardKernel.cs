using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>Base class of generated feed-forward layers on ILGPU's devices.</summary>
public abstract class IlgpuFeedForwardKernel : FeedForwardKernel
{
    private readonly IlgpuFeedForwardSizes _sizes;
    private readonly WeightType[] _types;
    private readonly Lock _lock = new();
    private State? _state;

    /// <summary>Takes over what was declared and planned.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="shape">The declared shape.</param>
    /// <param name="sizes">Sizes of what a call needs on the device.</param>
    /// <param name="types">Declared weight types, the preferred first.</param>
    protected IlgpuFeedForwardKernel(IlgpuDevice device, FeedForwardShape shape, in IlgpuFeedForwardSizes sizes, params WeightType[] types)
        : base(shape)
    {
        Device = device;
        _sizes = sizes;
        _types = types;
    }

    /// <summary>Where it runs.</summary>
    protected IlgpuDevice Device { get; }

    /// <summary>The input, padded with zeros.</summary>
    protected ArrayView<Float4> Input => Loaded.Input.View;

    /// <summary>What a predictor packs of the input: its signs, or signs and magnitudes.</summary>
    protected ArrayView<Words4> Signs => Loaded.Signs.View;

    /// <summary>The gates of all neurons, and behind them their cut, of an activation that wants all of them first.</summary>
    protected ArrayView<float> Gates => Loaded.Gates.View;

    /// <summary>The groups' partial sums of down.</summary>
    protected ArrayView<Float4> Partial => Loaded.Partial.View;

    /// <summary>What metered kernels count, four numbers a warp: as <see cref="IlgpuDecoderState"/>'s.</summary>
    protected ArrayView<int> Counts => Loaded.Counts.View;

    /// <summary>The output.</summary>
    protected ArrayView<Float4> Output => Loaded.Output.View;

    private State Loaded => _state ?? throw new InvalidOperationException("No weights are loaded: call Load first.");

    /// <inheritdoc/>
    public sealed override void Load(FeedForwardWeights weights, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (device is not null && !ReferenceEquals(device, Device))
        {
            throw new NotSupportedException($"The layer was made for device '{Device.Name}', not for '{device.Name}'.");
        }

        lock (_lock)
        {
            Dispose();
            var state = new State();
            try
            {
                state.Allocate(Device, _sizes);
                var bind = new FeedForwardBinder(Shape, _types, mixesDown: false, weights, state.Memory);
                var upload = new IlgpuUpload(Device, bind);
                Bind(bind, upload);
                upload.Finish();
            }
            catch
            {
                state.Dispose();
                throw;
            }

            _state = state;
        }
    }

    /// <inheritdoc/>
    public sealed override void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        RequireLength(x.Length, nameof(x));
        RequireLength(y.Length, nameof(y));
        RequireFinite(x);
        lock (_lock)
        {
            State state = Loaded;
            x.CopyTo(state.Host);
            state.Input.CopyFrom(MemoryMarshal.Cast<float, Float4>(state.Host.AsSpan()));
            Device.Use(this, static layer => layer.Enqueue());
            state.Output.CopyTo(MemoryMarshal.Cast<float, Float4>(state.Result.AsSpan()));
            state.Result.AsSpan(0, Shape.Hidden).CopyTo(y);
        }

        // Kernels know addresses only: until here this must hold the weights.
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public sealed override LayerMetrics ReadMetrics()
    {
        lock (_lock)
        {
            LayerTally tally = default;
            if (_state is { } state)
            {
                int[] counted = new int[_sizes.Counts];
                state.Counts.CopyTo(counted);
                tally = state.Metered;
                WarpCounts.AddTo(ref tally, counted, state.RowBytes);
            }

            return new LayerMetrics(0, in tally, Shape.Intermediate);
        }
    }

    /// <inheritdoc/>
    public sealed override void ResetMetrics()
    {
        lock (_lock)
        {
            if (_state is { } state)
            {
                state.Metered = default;
                Device.Use(state.Counts.View, static view => view.MemSetToZero());
            }
        }
    }

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        lock (_lock)
        {
            _state?.Dispose();
            _state = null;
        }
    }

    /// <summary>Takes the weights.</summary>
    /// <param name="bind">What was given, checked and prepared.</param>
    /// <param name="upload">Copies it to the device.</param>
    protected abstract void Bind(FeedForwardBinder bind, IlgpuUpload upload);

    /// <summary>Enqueues the kernels of one input.</summary>
    protected abstract void Enqueue();

    /// <summary>Notes that one input went through a metered kernel.</summary>
    /// <param name="rowBytes">Bytes of a neuron's row in each matrix.</param>
    /// <param name="predictorBytes">Bytes that the policy's predictor reads.</param>
    protected void Count(long rowBytes, long predictorBytes)
    {
        State state = Loaded;
        state.Metered.Neurons += Shape.Intermediate;
        state.Metered.Bytes += predictorBytes;
        state.RowBytes = rowBytes;
    }

    /// <summary>What is there while weights are loaded.</summary>
    private sealed class State : IDisposable
    {
        public LayerTally Metered;

        public NativeMemoryPool Memory { get; } = new();

        public float[] Host { get; private set; } = [];

        public float[] Result { get; private set; } = [];

        public DeviceBuffer<Float4> Input { get; private set; } = null!;

        public DeviceBuffer<Words4> Signs { get; private set; } = null!;

        public DeviceBuffer<float> Gates { get; private set; } = null!;

        public DeviceBuffer<Float4> Partial { get; private set; } = null!;

        public DeviceBuffer<int> Counts { get; private set; } = null!;

        public DeviceBuffer<Float4> Output { get; private set; } = null!;

        public long RowBytes { get; set; }

        public void Allocate(IlgpuDevice device, in IlgpuFeedForwardSizes sizes)
        {
            Host = new float[sizes.HiddenQuads * 4];
            Result = new float[sizes.HiddenQuads * 4];
            Input = Own(device.Allocate<Float4>(sizes.HiddenQuads, "a layer's input"));
            Signs = Own(device.Allocate<Words4>(sizes.SignWords, "a layer's packed signs"));
            Gates = Own(device.Allocate<float>(sizes.Gates, "a layer's gates"));
            Partial = Own(device.Allocate<Float4>(sizes.PartialQuads, "a layer's partial sums"));
            Counts = Own(device.Allocate<int>(sizes.Counts, "a layer's meters"));
            Output = Own(device.Allocate<Float4>(sizes.HiddenQuads, "a layer's output"));
        }

        public void Dispose() => Memory.Dispose();

        private DeviceBuffer<T> Own<T>(DeviceBuffer<T> buffer)
            where T : unmanaged
        {
            Memory.Own(buffer);
            return buffer;
        }
    }
}

/// <summary>Sizes of what a feed-forward layer needs on a device beside its weights. For generated code.</summary>
/// <param name="HiddenQuads">Fours of columns of input and output, padded.</param>
/// <param name="SignWords">16-byte words of what a predictor packs of the input; 0: none reads them.</param>
/// <param name="PartialQuads">Fours of columns of all groups' partial sums.</param>
/// <param name="Counts">Numbers that metered kernels count.</param>
/// <param name="Gates">Gates that are there before any is activated, and their cut; 0: each is activated at once.</param>
public readonly record struct IlgpuFeedForwardSizes(int HiddenQuads, int SignWords, int PartialQuads, int Counts, int Gates = 0);
