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

    /// <summary>Frees the buffers.</summary>
    public abstract void Dispose();
}
