namespace SparseInfer;

/// <summary>
/// Declares a decoder-only transformer. Goes on a partial class beside <see cref="AttentionAttribute"/>,
/// <see cref="FeedForwardAttribute"/> and a norm; the generator completes the class with a program for exactly this model.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class DecoderModelAttribute : Attribute
{
    /// <summary>Width of the residual stream, in elements.</summary>
    public int Hidden { get; set; }

    /// <summary>Number of transformer layers.</summary>
    public int Layers { get; set; }

    /// <summary>Number of tokens the model knows: rows of the embedding and of the output head.</summary>
    public int Vocabulary { get; set; }

    /// <summary>Longest sequence, in tokens: prompt and generated text together.</summary>
    public int Context { get; set; }
}
