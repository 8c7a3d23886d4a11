namespace SparseInfer;

/// <summary>
/// Declares that attention and feed-forward read the same residual stream, and are added to it together: <c>x + attention(norm(x)) + feed-forward(norm(x))</c>
/// (Falcon). Optional: the default is one after the other.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ParallelAttentionAttribute : Attribute
{
    /// <summary>1: both read one norm (Falcon-7B). 2: each has its own (Falcon-40B, <c>new_decoder_architecture</c>).</summary>
    public int Norms { get; set; } = 1;
}
