namespace SparseInfer.Models.Tests;

/// <summary>A folder that goes away with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public string At(string name) => Path.Combine(Root, name);

    /// <summary>What is in it, hidden files too.</summary>
    public string[] Names => [.. Directory.GetFileSystemEntries(Root).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
