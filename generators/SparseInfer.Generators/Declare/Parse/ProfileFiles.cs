using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>A JSON file among those that the project gives to compilers.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Text">What is in it.</param>
internal sealed record ProfileFile(string Path, string Text)
{
    /// <summary>How such files' names end.</summary>
    public const string Extension = ".json";

    /// <summary>Whether a declaration means it: by its name, or by the end of its path.</summary>
    public bool IsCalled(string name)
    {
        string path = Path.Replace('\\', '/');
        string end = name.Replace('\\', '/');
        return end.Length > 0 && path.EndsWith(end, StringComparison.Ordinal) && (path.Length == end.Length || path[path.Length - end.Length - 1] == '/');
    }
}

/// <summary>All of them.</summary>
internal sealed record ProfileFiles(EquatableArray<ProfileFile> Files)
{
    public static readonly ProfileFiles None = new([]);
}
