namespace SparseInfer;

/// <summary>
/// Declares the feed-forward of every layer of a <see cref="DecoderModelAttribute"/> class, or, on a static partial
/// property of type <c>FeedForwardKernel</c>, a feed-forward layer that stands alone.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false)]
public sealed class FeedForwardAttribute : Attribute
{
    /// <summary>Width of input and output. On a property only: a model has it from <see cref="DecoderModelAttribute.Hidden"/>.</summary>
    public int Hidden { get; set; }

    /// <summary>Number of neurons.</summary>
    public int Intermediate { get; set; }

    /// <summary>The activation function.</summary>
    public Activation Activation { get; set; }

    /// <summary>FATReLU's threshold t: <c>y = x</c> where <c>x &gt; t</c>, else 0. Only with <see cref="Activation.FatRelu"/>.</summary>
    public float Threshold { get; set; }

    /// <summary>
    /// Gaussian top-k's share of neurons below the cut, were they normally distributed: 0.001 to 0.999. Only with
    /// <see cref="Activation.GaussianTopK"/>.
    /// </summary>
    public float Sparsity { get; set; }

    /// <summary>
    /// True, the default: <c>down(act(gate(x)) * up(x))</c>. False: <c>down(act(up(x)))</c>, and the first matrix takes the gate's place.
    /// </summary>
    public bool Gated { get; set; } = true;

    /// <summary>Whether gate, up and down have biases.</summary>
    public bool Biases { get; set; }
}
