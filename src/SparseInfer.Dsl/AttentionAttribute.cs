namespace SparseInfer;

/// <summary>Declares the attention of every layer: grouped-query heads with rotary position embedding.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AttentionAttribute : Attribute
{
    /// <summary>Number of query heads.</summary>
    public int Heads { get; set; }

    /// <summary>Number of key and value heads; divides <see cref="Heads"/>. 0, the default: as many as <see cref="Heads"/>.</summary>
    public int KeyValueHeads { get; set; }

    /// <summary>Elements a head. 0, the default: hidden size / <see cref="Heads"/>.</summary>
    public int HeadDimension { get; set; }

    /// <summary>Base of the rotary frequencies: pair i turns by <c>position / RopeTheta^(2i / RopeDimensions)</c>.</summary>
    public float RopeTheta { get; set; } = 10000f;

    /// <summary>Linear position scaling: positions are divided by this factor (1: none).</summary>
    public float RopeScaling { get; set; } = 1f;

    /// <summary>How many leading dimensions of a head are rotated; even. 0, the default: all of them.</summary>
    public int RopeDimensions { get; set; }

    /// <summary>Which dimensions form a pair in GGUF files of this model. Safetensors files are always half-split.</summary>
    public RopePairing RopePairing { get; set; }

    /// <summary>Whether query, key and value projections have biases (Qwen2).</summary>
    public bool QueryKeyValueBiases { get; set; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; set; }

    /// <summary>
    /// Whether each head of queries and keys is normalised before it is rotated (Qwen3): RMSNorm with <see cref="RmsNormAttribute.Epsilon"/>, and
    /// a weight for each element of a head, which all heads share.
    /// </summary>
    public bool QueryKeyNorms { get; set; }
}
