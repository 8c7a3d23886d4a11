using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// What a device needs to decode a token of several sequences together, so that weights are read once for all. Base class of generated code.
/// </summary>
public abstract class DecoderBatch : IDisposable
{
    /// <summary>Most sequences that any device decodes together.</summary>
    public const int MaxStates = 16;

    /// <summary>What keeps the program's weights while this is there.</summary>
    internal ProgramLease? Lease { get; set; }

    /// <summary>
    /// Decodes one token for each state. Each then holds one token more and has its logits, the bits that <see cref="DecoderState.Run"/> of
    /// that token alone gives. Where it fails, each is what it was, except that it may have no logits.
    /// </summary>
    /// <param name="states">States of the program that made this, no two the same, of one type of cache; as many as it was made for at most.</param>
    /// <param name="tokens">A token for each, below the vocabulary's size; each state has room for it.</param>
    /// <param name="step">How: no prompt, neither metered nor timed.</param>
    public abstract void Run(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, in StepOptions step);

    /// <summary>Whether runs count neurons that any of their tokens needs, for <see cref="ReadUnionShare"/>; slow. Devices that cannot ignore it.</summary>
    public bool Metering { get; set; }

    /// <summary>
    /// Share of neurons that at least one token of a run needed, over all layers and runs since this was last asked: how much of a layer's down is read.
    /// </summary>
    /// <returns>Null where nothing was counted.</returns>
    public virtual double? ReadUnionShare() => null;

    /// <summary>Whether it counts what feed-forwards do while <see cref="Metering"/> is set.</summary>
    public virtual bool HasMeters => false;

    /// <summary>Adds up one layer's meters, of all sequences of all runs since <see cref="ResetTallies"/>.</summary>
    /// <param name="layer">The layer.</param>
    public virtual LayerTally ReadTally(int layer) => default;

    /// <summary>Sets all meters to zero.</summary>
    public virtual void ResetTallies()
    {
    }

    /// <summary>Frees the buffers.</summary>
    public abstract void Dispose();
}
