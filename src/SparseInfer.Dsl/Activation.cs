namespace SparseInfer;

/// <summary>The function between the first matrix (gate, or the only one) and what follows it in a feed-forward layer.</summary>
public enum Activation
{
    /// <summary><c>max(0, x)</c>.</summary>
    Relu,

    /// <summary><c>x</c> where <c>x &gt; Threshold</c>, else 0 (ProSparse, arXiv 2402.13516).</summary>
    FatRelu,

    /// <summary><c>max(0, x)²</c> (arXiv 2402.03804); zero exactly where ReLU is.</summary>
    SquaredRelu,

    /// <summary><c>max(0, gate) * max(0, up)</c> (Turbo Sparse, arXiv 2406.05955, equation 2); needs a gated layer.</summary>
    DRelu,

    /// <summary><c>x / (1 + e^-x)</c>; has no exact zeros.</summary>
    Silu,

    /// <summary>GELU in its tanh form, <c>0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))</c>; has no exact zeros.</summary>
    Gelu,

    /// <summary>
    /// GELU in its tanh form of what lies above a cut, else 0: <c>gelu(max(0, x - cut))</c>. The cut is the mean of a token's neurons plus as
    /// many of their standard deviations as leave <c>Sparsity</c> of a normal distribution below it (Gemma 3n's
    /// Gaussian top-k; Spark Transformer, arXiv 2506.06644).
    /// </summary>
    GaussianTopK,
}
