using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Decodes a token of several sequences together on the CPU: a batch as a prompt's is, whose tokens each have their own sequence, so that
/// matrices are read once for all.
/// </summary>
public sealed class CpuDecoderBatch : DecoderBatch
{
    private readonly CpuDecoderState _rows;

    /// <summary>Takes over the buffers.</summary>
    /// <param name="rows">A state without a sequence, made for as many tokens as there may be sequences.</param>
    public CpuDecoderBatch(CpuDecoderState rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        _rows = rows;
        _rows.RunOthers();
    }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">This was disposed.</exception>
    public override void Run(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, in StepOptions step) =>
        _rows.RunTogether(states, tokens, step with { Metering = Metering });

    /// <inheritdoc/>
    public override double? ReadUnionShare() => _rows.ReadUnionShare();

    /// <inheritdoc/>
    public override bool HasMeters => true;

    /// <inheritdoc/>
    public override LayerTally ReadTally(int layer) => _rows.ReadTally(layer);

    /// <inheritdoc/>
    public override void ResetTallies() => _rows.ResetTallies();

    /// <inheritdoc/>
    public override void Dispose() => _rows.Dispose();
}
