namespace SparseInfer.Files;

/// <summary>A safetensors model: one file or the shards of an index, and the <c>config.json</c> beside it.</summary>
internal sealed class SafetensorsFile : ModelFile
{
    private readonly IReadOnlySet<string> _unlisted;

    private SafetensorsFile(
        string path, TensorTable tensors, ModelMetadata metadata, IReadOnlyList<FileRegion> regions, SafetensorsIndex? index)
        : base(path, ModelFileFormat.Safetensors, tensors, metadata, regions, index?.Notes) =>
        _unlisted = index?.Unlisted ?? new HashSet<string>();

    internal override bool IsUnlisted(string tensor) => _unlisted.Contains(tensor);

    /// <summary>Reads a single file. Its region becomes the model's only when this succeeds.</summary>
    public static SafetensorsFile Read(string path, FileRegion region, string? configPath, bool intoMemory)
    {
        var tensors = new TensorTable();
        SafetensorsHeaderReader.Read(region, tensors);
        return Assemble(path, tensors, [region], configPath, intoMemory, index: null);
    }

    /// <summary>Reads an index and every shard it names. The index's region becomes the model's only when this succeeds.</summary>
    public static SafetensorsFile ReadShards(string path, FileRegion indexRegion, string? configPath, bool intoMemory)
    {
        var index = SafetensorsIndex.Read(indexRegion);
        string folder = System.IO.Path.GetDirectoryName(indexRegion.Path) ?? "";
        var tensors = new TensorTable();
        var shards = new List<FileRegion>();
        try
        {
            foreach (string shard in index.Shards)
            {
                string file = System.IO.Path.Combine(folder, shard);
                if (!File.Exists(file))
                {
                    throw index.Error($"the weight_map names the shard {FileText.Quote(shard)}, which is not there. Download it as well.");
                }

                var region = FileRegion.Open(file, intoMemory);
                shards.Add(region);
                SafetensorsHeaderReader.Read(region, tensors);
            }

            index.Check(tensors);
            return Assemble(path, tensors, [indexRegion, .. shards], configPath, intoMemory, index);
        }
        catch
        {
            foreach (var shard in shards)
            {
                shard.Dispose();
            }

            throw;
        }
    }

    private static SafetensorsFile Assemble(
        string path, TensorTable tensors, FileRegion[] regions, string? configPath, bool intoMemory, SafetensorsIndex? index)
    {
        if (configPath is null)
        {
            return new SafetensorsFile(path, tensors, JsonMetadata.Empty(path), regions, index);
        }

        var config = FileRegion.Open(configPath, intoMemory);
        try
        {
            return new SafetensorsFile(path, tensors, JsonMetadata.Read(config), [.. regions, config], index);
        }
        catch
        {
            config.Dispose();
            throw;
        }
    }
}
