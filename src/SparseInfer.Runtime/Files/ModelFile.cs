using System.Diagnostics.CodeAnalysis;

namespace SparseInfer.Files;

/// <summary>
/// A model on disk, memory-mapped, or in memory:
/// its tensors and what it says about itself. Opening reads the tables only; weights are paged in when
/// they are touched, and whether their values make sense is for whoever uses them to check. Everything the tables claim (counts, lengths,
/// shapes, offsets) is checked against the file before it is believed, so no file can make the reader crash, hang, or allocate
/// more than a small multiple of what its tables occupy. A file that another program shortens while it is mapped is beyond that: then the
/// operating system ends the process, and reading it into memory is the way out.
/// </summary>
/// <remarks>Safe for any number of concurrent readers. Dispose it after the last use of any tensor's bytes.</remarks>
public abstract class ModelFile : IDisposable
{
    private readonly TensorTable _tensors;
    private readonly IReadOnlyList<FileRegion> _regions;

    private protected ModelFile(
        string path,
        ModelFileFormat format,
        TensorTable tensors,
        ModelMetadata metadata,
        IReadOnlyList<FileRegion> regions,
        IReadOnlyList<string>? notes = null)
    {
        Path = path;
        Format = format;
        Metadata = metadata;
        _tensors = tensors;
        _regions = regions;
        Notes = notes ?? [];
    }

    /// <summary>The path that it was opened by.</summary>
    public string Path { get; }

    /// <summary>The container.</summary>
    public ModelFileFormat Format { get; }

    /// <summary>Every tensor, in the file's order.</summary>
    public IReadOnlyList<TensorInfo> Tensors => _tensors.Tensors;

    /// <summary>What the model says about itself; of no keys where safetensors has no <c>config.json</c> beside it.</summary>
    public ModelMetadata Metadata { get; }

    /// <summary>What is odd about the files, but does no harm; each one sentence.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Whether all of it is in memory, so that nothing that becomes of the files matters any more.</summary>
    public bool IsInMemory => _regions.All(region => region.IsInMemory);

    /// <summary>The files that it was read from.</summary>
    internal virtual IEnumerable<string> Paths => _regions.Select(region => region.Path).Distinct();

    /// <summary>Whether each tensor is a part of a file, as it was downloaded or written, rather than a piece of memory of its own.</summary>
    internal virtual bool IsFile => true;

    /// <summary>Whether a tensor is there although the model's index does not name it, so that nothing is wrong if nobody uses it.</summary>
    internal virtual bool IsUnlisted(string tensor) => false;

    /// <summary>
    /// Opens a model: a GGUF file; a safetensors file, with the <c>config.json</c> beside it where there is one; the
    /// <c>*.safetensors.index.json</c> of a sharded model; or the folder that holds one of these. What a file is, its content decides,
    /// not its name. A single shard opens as just that shard: open the folder for the whole.
    /// </summary>
    /// <param name="path">A file or a folder. In a folder, safetensors go before GGUF, and <c>model.safetensors</c> before others.</param>
    /// <param name="intoMemory">
    /// Read the files into memory instead of mapping them. It takes their size in memory of this process, and the time to read them; but
    /// a file that another program shortens, or that lies on a disk that goes away, ends a process that has mapped it.
    /// </param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    /// <exception cref="ModelFormatException">It holds no model that can be read; the message says why.</exception>
    /// <exception cref="IOException">The operating system could not read it.</exception>
    /// <exception cref="UnauthorizedAccessException">Reading it is not permitted.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory to read it into.</exception>
    public static ModelFile Open(string path, bool intoMemory = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string file = ModelLocator.Resolve(path);
        var region = FileRegion.Open(file, intoMemory);
        try
        {
            return ModelLocator.Recognize(region) switch
            {
                ModelContent.Gguf => GgufFile.Read(path, region),
                ModelContent.Safetensors => SafetensorsFile.Read(path, region, ModelLocator.FindConfig(file), intoMemory),
                _ => SafetensorsFile.ReadShards(path, region, ModelLocator.FindConfig(file), intoMemory),
            };
        }
        catch
        {
            region.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A model whose tensors are in memory: loaded like a GGUF file, and like one used in place where the layout allows. Nothing is copied.
    /// </summary>
    /// <param name="name">What messages call it, in a path's place.</param>
    /// <param name="metadata">
    /// What it says about itself, with a GGUF file's keys: <see cref="GgufWriter.ToMetadata"/>, or another file's, which must then stay
    /// open. Null: nothing.
    /// </param>
    /// <param name="tensors">The tensors. Their memory belongs to the result, which frees it when it is disposed; each has its own.</param>
    /// <exception cref="ArgumentException">A name is there twice. The memory is the caller's still.</exception>
    /// <exception cref="ObjectDisposedException">A tensor's memory has been freed.</exception>
    public static ModelFile FromMemory(string name, ModelMetadata? metadata, IReadOnlyList<TensorInMemory> tensors)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(tensors);
        return MemoryModelFile.Create(name, metadata, tensors);
    }

    /// <summary>Opens bytes as if they were a file without neighbours. The caller keeps them in place until the file is disposed.</summary>
    internal static ModelFile Open(FileRegion region) => ModelLocator.Recognize(region) switch
    {
        ModelContent.Gguf => GgufFile.Read(region.Path, region),
        ModelContent.Safetensors => SafetensorsFile.Read(region.Path, region, configPath: null, intoMemory: false),
        _ => SafetensorsFile.ReadShards(region.Path, region, configPath: null, intoMemory: false),
    };

    /// <summary>Looks a tensor up by its exact name.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out TensorInfo? tensor) => _tensors.TryGet(name, out tensor);

    /// <summary>
    /// Unmaps the file when this is collected as well. For an owner that reads it only while it holds it: what a user took from the file
    /// says nothing to the garbage collector, and stays valid until the file is disposed.
    /// </summary>
    internal void UnmapWhenUnreachable()
    {
        foreach (var region in _regions)
        {
            region.UnmapWhenUnreachable();
        }
    }

    /// <summary>Unmaps the file, or frees its memory; no address or span from it may be used any more.</summary>
    public void Dispose()
    {
        foreach (var region in _regions)
        {
            region.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}
