namespace SparseInfer.Files;

/// <summary>What a tensor takes in a GGUF file.</summary>
internal static class TensorSize
{
    /// <summary>Its bytes.</summary>
    /// <exception cref="ArgumentException">GGUF has no such tensor.</exception>
    public static long Of(string name, TensorType type, ReadOnlySpan<long> shape)
    {
        if (type.GgmlId is null)
            throw new ArgumentException($"Tensor {FileText.Quote(name)}: GGUF has no type {type.Name}.", nameof(type));
        if (shape.Length is < 1 or > 4 || shape[^1] % type.ElementsPerBlock != 0)
        {
            throw new ArgumentException($"Tensor {FileText.Quote(name)} needs 1 to 4 dimensions, the last one a multiple of "
                + $"{type.ElementsPerBlock} for {type.Name}; it has {FileText.Shape(shape.ToArray())}.", nameof(shape));
        }

        long elements = 1;
        foreach (long size in shape)
        {
            if (size < 1 || elements > long.MaxValue / size)
                throw new ArgumentException($"Tensor {FileText.Quote(name)} has an impossible size {size}.", nameof(shape));
            elements *= size;
        }

        return type.TryGetByteLength(elements, out long length)
            ? length
            : throw new ArgumentException($"Tensor {FileText.Quote(name)} is larger than 2^63 bytes.", nameof(shape));
    }
}
