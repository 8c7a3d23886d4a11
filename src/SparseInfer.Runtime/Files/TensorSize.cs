namespace SparseInfer.Files;

/// <summary>What a tensor takes in a GGUF file.</summary>
internal static class TensorSize
{
    /// <summary>
    /// The most elements of one row of a matrix, some thousand times those of the largest models. Rows are what everything works on, so that
    /// this bounds what a row takes in any type: 256 MiB as F32, and no number of bytes that 32 bits cannot count.
    /// </summary>
    public const long MaximumRowElements = 1 << 26;

    /// <summary>Whether a shape is one whose rows can be worked on; a vector is used in other ways, and not bounded.</summary>
    public static bool HasSoundRows(ReadOnlySpan<long> shape) => shape.Length < 2 || shape[^1] <= MaximumRowElements;

    /// <summary>What is wrong with a tensor that <see cref="HasSoundRows"/> is false for.</summary>
    public static string DescribeRows(ReadOnlySpan<long> shape) =>
        $"has rows of {shape[^1]} elements; no model's have more than {MaximumRowElements}. {FileText.Mend}";

    /// <summary>Its bytes.</summary>
    /// <exception cref="ArgumentException">GGUF has no such tensor.</exception>
    public static long Of(string name, TensorType type, ReadOnlySpan<long> shape)
    {
        if (type.GgmlId is null)
        {
            throw new ArgumentException($"Tensor {FileText.Quote(name)}: GGUF has no type {type.Name}.", nameof(type));
        }

        if (shape.Length is < 1 or > 4 || shape[^1] % type.ElementsPerBlock != 0)
        {
            throw new ArgumentException($"Tensor {FileText.Quote(name)} needs 1 to 4 dimensions, the last one a multiple of "
                + $"{type.ElementsPerBlock} for {type.Name}; it has {FileText.Shape(shape.ToArray())}.", nameof(shape));
        }

        long elements = 1;
        foreach (long size in shape)
        {
            if (size < 1 || elements > long.MaxValue / size)
            {
                throw new ArgumentException($"Tensor {FileText.Quote(name)} has an impossible size {size}.", nameof(shape));
            }

            elements *= size;
        }

        return type.TryGetByteLength(elements, out long length)
            ? length
            : throw new ArgumentException($"Tensor {FileText.Quote(name)} is larger than 2^63 bytes.", nameof(shape));
    }
}
