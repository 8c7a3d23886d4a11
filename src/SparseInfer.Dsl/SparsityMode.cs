namespace SparseInfer;

/// <summary>What a program does about neurons that contribute nothing. All three are in every build; a session can change at any time.</summary>
public enum SparsityMode
{
    /// <summary>Computes every neuron.</summary>
    Dense,

    /// <summary>Skips up and down of neurons whose activation is zero: the same result as <see cref="Dense"/>, bit for bit.</summary>
    Exact,

    /// <summary>Does what is declared for each layer: the predictor, threshold or exact skipping of its attribute.</summary>
    Predicted,
}
