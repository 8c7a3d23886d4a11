namespace SparseInfer;

/// <summary>
/// Declares how far attention looks back in some layers (Mistral, SmallThinker): a token and the <see cref="Window"/> - 1 before it. In layers
/// without a window it looks back to the first token. May be there several times, for layers with different windows.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false, AllowMultiple = true)]
public sealed class SlidingWindowAttribute : Attribute
{
    /// <summary>Positions that a token attends to, its own included.</summary>
    public int Window { get; set; }

    /// <summary>Layers, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }

    /// <summary>
    /// After how many layers the pattern begins again: <c>Layers = "1..3", Period = 4</c> are all layers but 0, 4, 8, ... 0, the default: never.
    /// </summary>
    public int Period { get; set; }
}

/// <summary>
/// Declares that queries and keys are not rotated: in some layers (NoPE, SmolLM3), or in none of them, where positions are learned (OPT).
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class NoRopeAttribute : Attribute
{
    /// <summary>Layers, as in <see cref="SignBitPredictorAttribute.Layers"/>. Not set: all.</summary>
    public string? Layers { get; set; }

    /// <summary>After how many layers the pattern begins again, as in <see cref="SlidingWindowAttribute.Period"/>.</summary>
    public int Period { get; set; }
}
