namespace SparseInfer.Files;

/// <summary>A model that never was a file: each tensor is a region of its own.</summary>
internal sealed class MemoryModelFile : ModelFile
{
    private MemoryModelFile(string name, TensorTable tensors, ModelMetadata metadata, IReadOnlyList<FileRegion> regions)
        : base(name, ModelFileFormat.Gguf, tensors, metadata, regions)
    {
    }

    internal override bool IsFile => false;

    public static MemoryModelFile Create(string name, ModelMetadata? metadata, IReadOnlyList<TensorInMemory> tensors)
    {
        var table = new TensorTable();
        var regions = new FileRegion[tensors.Count];
        for (int i = 0; i < regions.Length; i++)
        {
            TensorInMemory tensor = tensors[i];
            if (table.TryGet(tensor.Name, out _))
            {
                throw new ArgumentException($"There are two tensors {FileText.Quote(tensor.Name)}.", nameof(tensors));
            }

            regions[i] = new FileRegion(name, tensor.Bytes);
            table.Add(new TensorInfo(regions[i], tensor.Name, tensor.Type, [.. tensor.Shape], offset: 0, tensor.ByteLength));
        }

        return new MemoryModelFile(name, table, metadata ?? JsonMetadata.Empty(name), regions);
    }
}
