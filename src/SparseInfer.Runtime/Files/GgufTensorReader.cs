namespace SparseInfer.Files;

/// <summary>Reads the tensor table of a GGUF file and proves that every tensor's bytes lie in the file, aligned and apart.</summary>
internal sealed class GgufTensorReader(GgufCursor cursor, int alignment)
{
    /// <summary>A name of a letter, one dimension, type and offset.</summary>
    public const int MinimumTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

    /// <summary>ggml's GGML_MAX_DIMS.</summary>
    private const int MaximumDimensions = 4;

    public TensorTable Read(long count)
    {
        // Offsets count from the data section, which starts where the table ends: only then can they be checked.
        var pending = new List<Pending>();
        for (long i = 0; i < count; i++)
        {
            cursor.Enter("tensor number", i);
            pending.Add(ReadEntry());
        }

        var table = new TensorTable();
        long dataStart = Align(cursor.Position);
        long dataLength = Math.Max(0, cursor.Region.Length - dataStart);
        foreach (var tensor in pending)
        {
            cursor.Enter("tensor", tensor.Name);
            CheckRange(tensor, dataStart, dataLength);
            table.Add(new TensorInfo(
                cursor.Region, tensor.Name, tensor.Type, tensor.Shape, dataStart + (long)tensor.Offset, tensor.ByteLength));
        }

        CheckApart(table);
        return table;
    }

    private Pending ReadEntry()
    {
        string name = cursor.ReadName("a name");
        cursor.Enter("tensor", name);
        uint dimensions = cursor.ReadUInt32("the number of its dimensions");
        if (dimensions is 0 or > MaximumDimensions)
        {
            throw cursor.Error($"has {dimensions} dimensions, but must have 1 to {MaximumDimensions}. {FileText.Mend}");
        }

        long[] shape = new long[dimensions];
        long elements = 1;
        for (int i = shape.Length - 1; i >= 0; i--) // innermost first in the file
        {
            ulong size = cursor.ReadUInt64("its shape");
            if (size == 0)
            {
                throw cursor.Error($"has a dimension of size 0. {FileText.Mend}");
            }

            if (size > (ulong)(long.MaxValue / elements))
            {
                throw cursor.Error($"has a dimension of size {size}: its elements cannot be counted in 64 bits. {FileText.Mend}");
            }

            shape[i] = (long)size;
            elements *= (long)size;
        }

        var type = ReadType();
        if (shape[^1] % type.ElementsPerBlock != 0)
        {
            throw cursor.Error($"has rows of {shape[^1]} elements, but its type {type.Name} stores blocks of {type.ElementsPerBlock}. "
                + FileText.Mend);
        }

        if (!type.TryGetByteLength(elements, out long byteLength))
        {
            throw cursor.Error($"of shape {FileText.Shape(shape)} is larger than 2^63 bytes. {FileText.Mend}");
        }

        if (!TensorSize.HasSoundRows(shape))
        {
            throw cursor.Error(TensorSize.DescribeRows(shape));
        }

        return new Pending(name, type, shape, cursor.ReadUInt64("the offset of its data"), byteLength);
    }

    private const string I2SRemark = "; if this is bitnet.cpp's I2_S, whose order depends on the machine that wrote it, "
        + "convert the BF16 model with llama.cpp's convert_hf_to_gguf.py --outtype f16";

    private TensorType ReadType()
    {
        uint id = cursor.ReadUInt32("its type");
        if (TensorType.FromGgml(id) is { } type)
        {
            return type;
        }

        throw cursor.Error(TensorType.RetiredGgmlName(id) is { } retired
            ? $"has the type {retired} ({id}), which ggml has retired. Convert the original model again{(id == TensorType.I2S ? I2SRemark : "")}."
            : $"has the unknown type {id}. The file is damaged, or newer than this reader: convert it to one of "
                + $"{string.Join(", ", Enum.GetNames<WeightType>())}.");
    }

    private void CheckRange(Pending tensor, long dataStart, long dataLength)
    {
        if (tensor.Offset % (ulong)alignment != 0)
        {
            throw cursor.Error($"has its data at offset {tensor.Offset}, no multiple of the alignment {alignment}. {FileText.Mend}");
        }

        if (tensor.Offset > (ulong)dataLength || tensor.ByteLength > dataLength - (long)tensor.Offset)
        {
            throw cursor.Error($"({tensor.Type.Name} {FileText.Shape(tensor.Shape)}) takes {tensor.ByteLength} bytes at offset "
                + $"{tensor.Offset} of the data section, but the file has {dataLength} bytes from {dataStart} on. {FileText.Mend}");
        }
    }

    private void CheckApart(TensorTable table)
    {
        TensorInfo[] ordered = [.. table.Tensors];
        Array.Sort(ordered, static (a, b) => a.Offset.CompareTo(b.Offset));
        for (int i = 1; i < ordered.Length; i++)
        {
            var (before, after) = (ordered[i - 1], ordered[i]);
            if (after.Offset - before.Offset >= before.ByteLength)
            {
                continue;
            }

            cursor.Enter("tensor", after.Name);
            throw cursor.Error($"overlaps tensor {FileText.Quote(before.Name)}: their data starts at {after.Offset} and {before.Offset}, "
                + $"and the latter has {before.ByteLength} bytes. {FileText.Mend}");
        }
    }

    private long Align(long position) => (position + alignment - 1) & -alignment;

    private sealed record Pending(string Name, TensorType Type, long[] Shape, ulong Offset, long ByteLength);
}
