namespace SparseInfer;

/// <summary>Declares how tokens enter and leave the model. Optional: the default is an untied output head and no scale.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EmbeddingAttribute : Attribute
{
    /// <summary>Whether the output head is the token embedding itself.</summary>
    public bool Tied { get; set; }

    /// <summary>Every embedding row is multiplied by this factor (MiniCPM: 12).</summary>
    public float Scale { get; set; } = 1f;

    /// <summary>
    /// Positions for which the model has learned a vector, which is added to a token's embedding (OPT: 2048); no fewer than its context. Goes with
    /// <see cref="NoRopeAttribute"/> for every layer. 0, the default: positions are not learned.
    /// </summary>
    public int LearnedPositions { get; set; }

    /// <summary>Rows of the table of learned positions before that of position 0 (OPT: 2).</summary>
    public int PositionOffset { get; set; }
}
