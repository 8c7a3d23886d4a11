using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace SparseInfer.Files;

/// <summary>The metadata of a GGUF file: views into the mapping, decoded on request.</summary>
internal sealed class GgufMetadata : ModelMetadata
{
    private readonly FileRegion _region;
    private readonly Dictionary<string, GgufValue> _values;

    public GgufMetadata(FileRegion region, List<string> keys, Dictionary<string, GgufValue> values)
        : base(region.Path)
    {
        _region = region;
        _values = values;
        Keys = keys;
    }

    public override IReadOnlyList<string> Keys { get; }

    /// <summary>Type and value as they lie in the file, for a writer to copy.</summary>
    public ReadOnlySpan<byte> Raw(string key)
    {
        var value = _values[key];
        long length = value.End - value.Declared;
        return length <= int.MaxValue
            ? _region.Span(value.Declared, (int)length)
            : throw Error(key, $"holds {length} bytes, too many to copy.");
    }

    /// <summary>An array of bytes as the file that was put there.</summary>
    /// <param name="key">The key.</param>
    /// <param name="name">What messages call the file.</param>
    /// <exception cref="ModelFormatException">The key does not hold bytes, or none.</exception>
    public unsafe FileRegion OpenFile(string key, string name) =>
        _values.TryGetValue(key, out var value) && value.Type == GgufValueType.Array && value.ElementType == GgufValueType.UInt8 && value.Count > 0
            ? new FileRegion(name, _region.Start + value.Start, value.Count)
            : throw Error(key, $"is {Describe(key) ?? "absent"}, but must be the bytes of a file. {FileText.Mend}");

    /// <summary>Bytes of a text, without decoding it; null where the key holds none.</summary>
    public long? TextLength(string key) =>
        _values.TryGetValue(key, out var value) && value.Type == GgufValueType.String ? value.Count : null;

    public override string? Describe(string key)
    {
        if (!_values.TryGetValue(key, out var value))
        {
            return null;
        }

        return value.Type == GgufValueType.Array ? $"array of {value.Count} {value.ElementType.Name}" : value.Type.Name;
    }

    public override bool TryGetString(string key, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (!_values.TryGetValue(key, out var value) || value.Type != GgufValueType.String)
        {
            return false;
        }

        text = Decode(key, value.Start, value.Count);
        return true;
    }

    public override bool TryGetInt64(string key, out long number)
    {
        number = 0;
        return _values.TryGetValue(key, out var value) && TryReadInteger(value.Type, value.Start, out number);
    }

    public override bool TryGetDouble(string key, out double number)
    {
        number = 0;
        return _values.TryGetValue(key, out var value) && TryReadDouble(value.Type, value.Start, out number);
    }

    public override bool TryGetBoolean(string key, out bool flag)
    {
        flag = false;
        if (!_values.TryGetValue(key, out var value) || value.Type != GgufValueType.Bool)
        {
            return false;
        }

        flag = _region.Span(value.Start, 1)[0] != 0;
        return true;
    }

    public override bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? texts)
    {
        texts = null;
        if (!TryGetArray(key, out var array) || array.ElementType != GgufValueType.String)
        {
            return false;
        }

        texts = new string[array.Count];
        long position = array.Start;
        for (int i = 0; i < texts.Length; i++)
        {
            // The reader has walked these lengths once and found them inside the file.
            long length = BinaryPrimitives.ReadInt64LittleEndian(_region.Span(position, 8));
            texts[i] = Decode(key, position + 8, length, i);
            position += 8 + length;
        }

        return true;
    }

    public override bool TryGetSingleArray(string key, [NotNullWhen(true)] out float[]? numbers)
    {
        numbers = null;
        if (!TryGetArray(key, out var array) || !(array.ElementType.IsFloat || array.ElementType.IsInteger))
        {
            return false;
        }

        numbers = new float[array.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            TryReadDouble(array.ElementType, array.Start + (long)i * array.ElementType.Size, out double number);
            numbers[i] = (float)number;
        }

        return true;
    }

    public override bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? numbers)
    {
        numbers = null;
        if (!TryGetArray(key, out var array) || !array.ElementType.IsInteger)
        {
            return false;
        }

        int[] read = new int[array.Count];
        for (int i = 0; i < read.Length; i++)
        {
            if (!TryReadInteger(array.ElementType, array.Start + (long)i * array.ElementType.Size, out long number)
                || number != (int)number)
            {
                return false;
            }

            read[i] = (int)number;
        }

        numbers = read;
        return true;
    }

    private bool TryGetArray(string key, [NotNullWhen(true)] out GgufValue? array)
    {
        if (!_values.TryGetValue(key, out array) || array.Type != GgufValueType.Array)
        {
            return false;
        }

        if (array.Count > MaximumElements)
        {
            throw Error(key, $"is an array of {array.Count} elements; at most {MaximumElements} are decoded. {FileText.Mend}");
        }

        return true;
    }

    private bool TryReadInteger(GgufValueType type, long start, out long number)
    {
        if (!type.IsInteger)
        {
            number = 0;
            return false;
        }

        var bytes = _region.Span(start, type.Size);
        ulong unsigned = type == GgufValueType.UInt64 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        number = type switch
        {
            GgufValueType.UInt8 => bytes[0],
            GgufValueType.Int8 => (sbyte)bytes[0],
            GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            _ => unchecked((long)unsigned),
        };
        return unsigned <= long.MaxValue;
    }

    private bool TryReadDouble(GgufValueType type, long start, out double number)
    {
        number = type switch
        {
            GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(_region.Span(start, 4)),
            GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(_region.Span(start, 8)),
            GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(_region.Span(start, 8)),
            _ => TryReadInteger(type, start, out long integer) ? integer : 0,
        };
        return type.IsFloat || type.IsInteger;
    }

    private string Decode(string key, long start, long length, int? index = null)
    {
        string where = index is null ? "" : $"at index {index} ";
        if (length > FileText.MaximumTextBytes)
        {
            throw Error(key, $"{where}holds a text of {length} bytes; at most {FileText.MaximumTextBytes} are decoded. {FileText.Mend}");
        }

        return FileText.TryDecode(_region.Span(start, (int)length), out string? text)
            ? text
            : throw Error(key, $"{where}holds a text that is not valid UTF-8. {FileText.Mend}");
    }
}
