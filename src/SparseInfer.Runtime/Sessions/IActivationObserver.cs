namespace SparseInfer;

/// <summary>Sees what a session computes, of a model that is declared with <see cref="ObservedAttribute"/>.</summary>
public interface IActivationObserver
{
    /// <summary>
    /// Gets one vector of one token. Called inside the computation, by one thread at a time, which is a worker of the device: it must not run that
    /// device's models. Positions of a sequence come in order; a token that is computed again, after <see cref="Session.Rewind"/> or for its logits,
    /// comes again. What this throws ends the session's call, and leaves the sequence as it was before.
    /// </summary>
    /// <param name="layer">The layer, from 0; of <see cref="ObservedActivation.Final"/> the number of layers.</param>
    /// <param name="activation">Which vector; its length is said there.</param>
    /// <param name="position">The token's position in its sequence.</param>
    /// <param name="values">The vector. Valid until this returns.</param>
    void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values);
}
