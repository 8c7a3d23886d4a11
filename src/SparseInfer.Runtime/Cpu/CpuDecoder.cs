using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>Base class of generated programs for the CPU.</summary>
/// <param name="device">Where it runs.</param>
public abstract class CpuDecoderProgram(CpuDevice device) : DecoderProgram
{
    /// <summary>The device's threads.</summary>
    public WorkerGroup Workers { get; } = device.Workers;

    /// <inheritdoc/>
    public override bool MixesDown => true;

    /// <inheritdoc/>
    public override bool DecodesAsPrompts => !RemembersPrompts;

    /// <summary>Whether sessions can show what they compute: the class is declared with <see cref="ObservedAttribute"/>.</summary>
    public virtual bool IsObservable => false;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyValueType> CacheTypes { get; } = [KeyValueType.F32, KeyValueType.F16, KeyValueType.Q8_0];
}

/// <summary>
/// Base class of a generated program's session on the CPU, and of what it decodes several sessions with. A run is one job that every worker
/// executes from the embedding to the logits, meeting at barriers; nothing is allocated in it.
/// </summary>
public abstract partial class CpuDecoderState : DecoderState, IWorkerJob
{
    private readonly CpuDecoderProgram _program;
    private readonly int[] _tokens;
    private readonly LayerTally[] _tallies;
    private readonly NativeBuffer _panels;
    private readonly int _vocabulary;
    private readonly int _rows;
    private readonly int _panelLength;

    // Pinned and managed: users hold spans of it, and a span of native memory would keep nothing alive.
    private float[] _logits;
    private StepOptions _step;
    private int _lastLogits;
    private bool _disposed;

    /// <summary>Allocates what every program needs.</summary>
    /// <param name="program">The program.</param>
    /// <param name="capacity">Most tokens the session can hold; 0: it has no sequence of its own, and runs others'.</param>
    /// <param name="batch">Most tokens that go through a layer together: of a prompt, or of several sequences.</param>
    /// <param name="inputWidth">Padded columns of the widest matrix that inputs are dotted with.</param>
    protected CpuDecoderState(CpuDecoderProgram program, int capacity, int batch, int inputWidth)
    {
        // A worker's scratch serves both matrix products, one after the other.
        _panelLength = Math.Max(MatrixMatrix.PanelLength(inputWidth, batch), OrderedDown.PanelLength);
        _program = program;
        _vocabulary = program.Shape.Vocabulary;
        _rows = program.Shape.Layers + 1;
        Capacity = capacity;
        _tokens = new int[batch];
        _tallies = new LayerTally[Workers.Count * _rows];
        _unions = new (long, long)[Workers.Count];
        _panels = Floats((long)Workers.Count * _panelLength);
        _logits = Pinned(_vocabulary);
    }

    /// <inheritdoc/>
    public override int Capacity { get; }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> LastLogits => _logits.AsSpan(_lastLogits * _vocabulary, _vocabulary);

    /// <summary>The device's threads.</summary>
    protected WorkerGroup Workers => _program.Workers;

    /// <summary>What is skipped in this run.</summary>
    protected SparsityMode Mode => _step.Mode;

    /// <summary>Whether this batch computes every neuron, for all tokens together.</summary>
    protected bool IsDenseBatch => !_step.SparsePrompt || (_step.Mode == SparsityMode.Dense && !_step.Metering);

    /// <summary>Tokens of this batch: those of a prompt, or one of each of several sequences.</summary>
    protected int TokenCount { get; private set; }

    /// <summary>The first token of this batch whose logits are asked for; <see cref="TokenCount"/>: none.</summary>
    protected int LogitsFrom { get; private set; }

    /// <summary>Logits, from <see cref="LogitsFrom"/> on.</summary>
    protected ref float Logits => ref MemoryMarshal.GetArrayDataReference(_logits);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<int> tokens, in StepOptions step, Span<float> allLogits)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _step = IsObserved ? OneByOne(step) : step;
        bool remembers = BeginRun(_program, step);
        bool all = !allLogits.IsEmpty;
        int batch = _step.IsPrompt ? _tokens.Length : 1;
        for (int done = 0; done < tokens.Length; done += TokenCount)
        {
            ReadOnlySpan<int> part = tokens.Slice(done, Math.Min(batch, tokens.Length - done));
            part.CopyTo(_tokens);
            TokenCount = part.Length;
            bool last = done + part.Length == tokens.Length;
            LogitsFrom = all ? 0 : last ? part.Length - 1 : part.Length;
            EnsureLogits(part.Length - LogitsFrom);
            RunBatch(remembers);
            EndBatch(part.Length);
            if (all)
            {
                _logits.AsSpan(0, part.Length * _vocabulary).CopyTo(allLogits[(done * _vocabulary)..]);
            }

            _lastLogits = Math.Max(0, part.Length - 1 - LogitsFrom);
        }

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public override LayerTally ReadTally(int layer)
    {
        LayerTally sum = default;
        for (int worker = 0; worker < Workers.Count; worker++)
        {
            sum.Add(in Tally(worker, layer));
        }

        return sum;
    }

    /// <inheritdoc/>
    public override void ResetTallies() => Array.Clear(_tallies);

    /// <inheritdoc/>
    public sealed override void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        _panels.Dispose();
        DisposeBuffers();
    }

    void IWorkerJob.Execute(int worker)
    {
        switch (_step.IsPrompt, _step.Metering)
        {
            case (false, false) when _step.Timing:
                Decode<MeterTimed>(worker);
                break;
            case (false, false):
                Decode<MeterOff>(worker);
                break;
            case (false, true):
                Decode<MeterOn>(worker);
                break;
            case (true, false):
                Prompt<MeterOff>(worker);
                break;
            case (true, true):
                Prompt<MeterOn>(worker);
                break;
        }
    }

    /// <summary>Runs one token.</summary>
    /// <typeparam name="TMeter">Whether to count, or to take the time.</typeparam>
    /// <param name="worker">Which worker this is.</param>
    protected abstract void Decode<TMeter>(int worker)
        where TMeter : struct, IMeter;

    /// <summary>Runs a batch of prompt tokens.</summary>
    /// <typeparam name="TMeter">Whether to count.</typeparam>
    /// <param name="worker">Which worker this is.</param>
    protected abstract void Prompt<TMeter>(int worker)
        where TMeter : struct, IMeter;

    /// <summary>Frees the program's own buffers.</summary>
    protected abstract void DisposeBuffers();

    /// <summary>Token i of this batch.</summary>
    /// <param name="i">0 to <see cref="TokenCount"/> - 1.</param>
    protected int Token(int i) => _tokens[i];

    /// <summary>A worker's meter of a layer, or of the head.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="layer">The layer; as many as there are: the head, whose words count as neurons do.</param>
    protected ref LayerTally Tally(int worker, int layer) => ref _tallies[(worker * _rows) + layer];

    /// <summary>A worker's room for a widened panel of weights.</summary>
    /// <param name="worker">The worker.</param>
    protected Span<float> Panel(int worker) => _panels.AsSpan<float>().Slice(worker * _panelLength, _panelLength);

    /// <summary>Allocates zeroed floats.</summary>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    protected static NativeBuffer Floats(long count) => NativeBuffer.Allocate(Math.Max(1, count) * sizeof(float));

    private void RunBatch(bool remembers)
    {
        BeginBatch(TokenCount, remembers);
        try
        {
            Workers.Run(this);
        }
        catch
        {
            FailBatch();
            throw;
        }
    }

    private void EnsureLogits(int rows)
    {
        if (_logits.Length < rows * _vocabulary)
        {
            _logits = Pinned(rows * _vocabulary);
        }
    }

    private static float[] Pinned(int count) => GC.AllocateArray<float>(count, pinned: true);
}
