using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>A model file's content as a model in memory.</summary>
internal static class MemoryCopy
{
    public static ModelFile Of(string path)
    {
        using ModelFile file = ModelFile.Open(path);
        return Of(file, Tensors(file));
    }

    /// <summary>Other tensors with the file's metadata.</summary>
    public static ModelFile Of(ModelFile file, TensorInMemory[] tensors)
    {
        var keys = new GgufWriter();
        foreach (string key in file.Metadata.Keys)
        {
            keys.Copy(file.Metadata, key);
        }

        return ModelFile.FromMemory("copy", keys.ToMetadata("copy"), tensors);
    }

    public static TensorInMemory[] Tensors(ModelFile file) => [.. file.Tensors.Select(Copy)];

    private static TensorInMemory Copy(TensorInfo tensor)
    {
        NativeBuffer bytes = NativeBuffer.Allocate(tensor.ByteLength);
        tensor.Bytes.CopyTo(bytes.AsSpan<byte>());
        return new TensorInMemory(tensor.Name, tensor.Type, [.. tensor.Shape], bytes);
    }
}
