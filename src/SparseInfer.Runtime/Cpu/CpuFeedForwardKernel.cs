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
                Bind(new FeedForwardBinder(Shape, _types, weights, state.Memory));
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
        FeedForwardSlot slot = state.Scratch[worker];
        state.Input.AsSpan<float>().CopyTo(MemoryMarshal.CreateSpan(ref slot.Input, _paddedHidden));
        (int from, int to) = state.Scratch.Neurons(worker);
        ref LayerTally tally = ref state.Tallies[worker];
        if (Metering)
        {
            Activate<MeterOn>(slot, from, to, ref tally);
        }
        else
        {
            Activate<MeterOff>(slot, from, to, ref tally);
        }

        Down(state.Scratch, worker);
        state.Workers.Barrier();
        (from, to) = WorkerGroup.Slice(_paddedHidden, state.Workers.Count, worker, 128);
        Sum(state.Scratch, ref state.Output.Ref<float>(), from, to);
    }

    /// <summary>Takes the weights.</summary>
    /// <param name="bind">What was given, checked and prepared.</param>
    protected abstract void Bind(FeedForwardBinder bind);

    /// <summary>Computes a worker's neurons.</summary>
    /// <typeparam name="TMeter">Whether to count.</typeparam>
    /// <param name="slot">The worker's input, and the list it fills.</param>
    /// <param name="from">Its first neuron.</param>
    /// <param name="to">Behind its last.</param>
    /// <param name="tally">Its meter.</param>
    protected abstract void Activate<TMeter>(FeedForwardSlot slot, int from, int to, ref LayerTally tally)
        where TMeter : struct, IMeter;

    /// <summary>Sums what a worker's neurons add to the output, slice by slice.</summary>
    /// <param name="scratch">The worker's list, and where the sums go.</param>
    /// <param name="worker">The worker.</param>
    protected abstract void Down(FeedForwardScratch scratch, int worker);

    /// <summary>Computes some columns of the output.</summary>
    /// <param name="scratch">All workers' sums.</param>
    /// <param name="y">The output.</param>
    /// <param name="fromColumn">The first column.</param>
    /// <param name="toColumn">Behind the last.</param>
    protected abstract void Sum(FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn);

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
