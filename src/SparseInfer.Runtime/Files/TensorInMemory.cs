using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Files;

/// <summary>A tensor that is in memory already, for <see cref="ModelFile.FromMemory"/>.</summary>
public sealed class TensorInMemory
{
    /// <summary>Describes a tensor; its bytes are not copied.</summary>
    /// <param name="name">Its name, as a GGUF file has it: <c>blk.0.ffn_up.weight</c>.</param>
    /// <param name="type">How its elements are stored: a type that ggml knows.</param>
    /// <param name="shape">1 to 4 sizes, outermost first.</param>
    /// <param name="bytes">Its elements, in ggml's layout; at least as many bytes as type and shape take.</param>
    /// <exception cref="ArgumentException">Name, type, shape and bytes do not make a tensor.</exception>
    public TensorInMemory(string name, TensorType type, ReadOnlySpan<long> shape, NativeBuffer bytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(bytes);
        ByteLength = TensorSize.Of(name, type, shape);
        if (bytes.Bytes < ByteLength)
        {
            throw new ArgumentException($"Tensor {FileText.Quote(name)} takes {ByteLength} bytes, not {bytes.Bytes}.", nameof(bytes));
        }

        Name = name;
        Type = type;
        Shape = Array.AsReadOnly(shape.ToArray());
        Bytes = bytes;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How its elements are stored.</summary>
    public TensorType Type { get; }

    /// <summary>Elements in each dimension, outermost first.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The memory that holds it.</summary>
    public NativeBuffer Bytes { get; }

    /// <summary>Its size in bytes.</summary>
    public long ByteLength { get; }
}
