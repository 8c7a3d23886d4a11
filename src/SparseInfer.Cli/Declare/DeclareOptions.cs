using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Declare;

/// <summary>A model to declare.</summary>
internal sealed record DeclareOptions
{
    public required ModelRequest Model { get; init; }

    /// <summary>The declared context; null: the file's.</summary>
    public int? Context { get; init; }

    /// <summary>Where a project goes; null: a folder named as the class.</summary>
    public string? Folder { get; init; }
}
