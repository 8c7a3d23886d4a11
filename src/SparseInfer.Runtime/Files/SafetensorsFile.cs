namespace SparseInfer.Files;

/// <summary>A safetensors model: one file or the shards of an index, and the <c>config.json</c> beside it.</summary>
internal sealed class SafetensorsFile : ModelFile
{
    private SafetensorsFile(string path, TensorTable tensors, ModelMetadata metadata, IReadOnlyList<FileRegion> regions)
        : base(path, ModelFileFormat.Safetensors, tensors, metadata, regions)
    {
    }

    /// <summary>Reads a single file. Its region becomes the model's only when this succeeds.</summary>
    public static SafetensorsFile Read(string path, FileRegion region, string? configPath)
    {
        var tensors = new TensorTable();
        SafetensorsHeaderReader.Read(region, tensors);
        return Assemble(path, tensors, [region], configPath);
    }

    /// <summary>Reads an index and every shard it names. The index's region becomes the model's only when this succeeds.</summary>
    public static SafetensorsFile ReadShards(string path, FileRegion indexRegion, string? configPath)
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
                    throw index.Error($"the weight_map names the shard {FileText.Quote(shard)}, which is not there. Download it as well.");
                var region = FileRegion.Map(file);
                shards.Add(region);
                SafetensorsHeaderReader.Read(region, tensors);
            }

            index.Check(tensors);
            return Assemble(path, tensors, [indexRegion, .. shards], configPath);
        }
        catch
        {
            foreach (var shard in shards)
                shard.Dispose();
            throw;
        }
    }

    private static SafetensorsFile Assemble(string path, TensorTable tensors, FileRegion[] regions, string? configPath)
    {
        if (configPath is null)
            return new SafetensorsFile(path, tensors, JsonMetadata.Empty(path), regions);

        var config = FileRegion.Map(configPath);
        try
        {
            return new SafetensorsFile(path, tensors, JsonMetadata.Read(config), [.. regions, config]);
        }
        catch
        {
            config.Dispose();
            throw;
        }
    }
}
