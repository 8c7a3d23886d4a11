using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>Base class of generated feed-forward layers on the CPU.</summary>
public abstract class CpuFeedForwardKernel : FeedForwardKernel, IWorkerJob
{
    private readonly int _paddedHidden;
    private readonly NeuronSlices _slices;
    private readonly int _sideWords;
    private readonly WeightType[] _types;
    private readonly Lock _lock = new();
    private State? _state;

    /// <summary>Takes over what was declared and planned.</summary>
    /// <param name="shape">The declared shape.</param>
    /// <param name="paddedHidden">The width, padded to whole vectors.</param>
    /// <param name="slices">How its neurons are divided.</param>
    /// <param name="sideWords">64-bit words that a worker keeps for the policy.</param>
    /// <param name="types">Declared weight types, the preferred first.</param>
    protected CpuFeedForwardKernel(FeedForwardShape shape, int paddedHidden, NeuronSlices slices, int sideWords, params WeightType[] types)
        : base(shape)
    {
        _paddedHidden = paddedHidden;
        _slices = slices;
        _sideWords = sideWords;
        _types = types;
    }

    /// <inheritdoc/>
    public sealed override void Load(FeedForwardWeights weights, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (device is not (null or CpuDevice))
        {
            throw new NotSupportedException($"The layer has no program for device '{device.Name}'; it was generated for: cpu.");
        }

        lock (_lock)
        {
            Dispose();
            var state = new State((device as CpuDevice)?.Workers, _paddedHidden, _slices, _sideWords);
            try
            {
                Bind(new FeedForwardBinder(Shape, _types, mixesDown: true, weights, state.Memory));
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
            State state = _state ?? throw new InvalidOperationException("No weights are loaded: call Load first.");
            x.CopyTo(state.Input.AsSpan<float>());
            state.Workers.Run(this);
            state.Output.AsSpan<float>()[..Shape.Hidden].CopyTo(y);
        }

        // Kernels know addresses only: until here this must hold the weights.
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public sealed override LayerMetrics ReadMetrics()
    {
        lock (_lock)
        {
            LayerTally sum = default;
            foreach (LayerTally tally in _state?.Tallies ?? [])
            {
                sum.Add(in tally);
            }

            return new LayerMetrics(0, in sum, Shape.Intermediate);
        }
    }

    /// <inheritdoc/>
    public sealed override void ResetMetrics()
    {
        lock (_lock)
        {
            Array.Clear(_state?.Tallies ?? []);
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

    void IWorkerJob.Execute(int worker)
    {
        State state = _state!;
        state.Input.AsSpan<float>().CopyTo(MemoryMarshal.CreateSpan(ref state.Scratch[worker].Input, _paddedHidden));
        if (Metering)
        {
            Run<MeterOn>(worker);
        }
        else
        {
            Run<MeterOff>(worker);
        }
    }

    /// <summary>Who computes it.</summary>
    protected WorkerGroup Workers => _state!.Workers;

    /// <summary>The workers' inputs and lists, and their sums.</summary>
    protected FeedForwardScratch Scratch => _state!.Scratch;

    /// <summary>The first column of the output.</summary>
    protected ref float Output => ref _state!.Output.Ref<float>();

    /// <summary>A worker's meter.</summary>
    protected ref LayerTally Tally(int worker) => ref _state!.Tallies[worker];

    /// <summary>Takes the weights.</summary>
    /// <param name="bind">What was given, checked and prepared.</param>
    protected abstract void Bind(FeedForwardBinder bind);

    /// <summary>A worker's part of the layer. Its input is in its slot.</summary>
    /// <typeparam name="TMeter">Whether to count.</typeparam>
    /// <param name="worker">The worker.</param>
    protected abstract void Run<TMeter>(int worker)
        where TMeter : struct, IMeter;

    /// <summary>What is there while weights are loaded.</summary>
    private sealed class State : IDisposable
    {
        private readonly WorkerGroup? _own;

        public State(WorkerGroup? workers, int paddedHidden, NeuronSlices slices, int sideWords)
        {
            Workers = workers ?? (_own = new WorkerGroup(1));
            Scratch = new FeedForwardScratch(Workers.Count, paddedHidden, slices, sideWords);
            Input = NativeBuffer.Allocate(paddedHidden * (long)sizeof(float));
            Output = NativeBuffer.Allocate(paddedHidden * (long)sizeof(float));
            Tallies = new LayerTally[Workers.Count];
        }

        public WorkerGroup Workers { get; }

        public FeedForwardScratch Scratch { get; }

        public NativeBuffer Input { get; }

        public NativeBuffer Output { get; }

        public LayerTally[] Tallies { get; }

        public NativeMemoryPool Memory { get; } = new();

        public void Dispose()
        {
            Memory.Dispose();
            Scratch.Dispose();
            Input.Dispose();
            Output.Dispose();
            _own?.Dispose();
        }
    }
}
