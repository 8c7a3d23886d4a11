namespace SparseInfer;

/// <summary>How the router's logits of the chosen experts become what their outputs are multiplied by.</summary>
public enum ExpertGating
{
    /// <summary>Their softmax (Mixtral, arXiv 2401.04088, equation 2).</summary>
    Softmax,

    /// <summary>Their sigmoids, divided by the sigmoids' sum (SmallThinker, arXiv 2507.20984).</summary>
    Sigmoid,
}
