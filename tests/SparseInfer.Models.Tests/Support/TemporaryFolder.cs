namespace SparseInfer.Models.Tests;

/// <summary>A folder that goes away with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public string At(string name) => Path.Combine(_root, name);

    /// <summary>What is in it, hidden files too.</summary>
    public string[] Names => [.. Directory.GetFileSystemEntries(_root).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
