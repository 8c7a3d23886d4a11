namespace SparseInfer;

/// <summary>Declares how tokens enter and leave the model. Optional: the default is an untied output head and no scale.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EmbeddingAttribute : Attribute
{
    /// <summary>Whether the output head is the token embedding itself.</summary>
    public bool Tied { get; set; }

    /// <summary>Every embedding row is multiplied by this factor (MiniCPM: 12).</summary>
    public float Scale { get; set; } = 1f;
}
