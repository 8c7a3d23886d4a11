using System.Buffers.Binary;
using System.Text.Json;

namespace SparseInfer.Files;

/// <summary>
/// Reads the header of a safetensors file: a 64-bit length, that many bytes of JSON naming every tensor's dtype, shape and range of bytes,
/// then the data, which the ranges must cover without a gap or an overlap (safetensors' README, "Format").
/// </summary>
internal ref struct SafetensorsHeaderReader
{
    /// <summary>The limit of the format's own implementation.</summary>
    private const int MaximumHeaderBytes = 100_000_000;

    private const int LengthBytes = 8;
    private const int MaximumDimensions = 64;

    private readonly FileRegion _region;
    private readonly long _dataStart;
    private readonly List<TensorInfo> _tensors = [];
    private Utf8JsonReader _reader;
    private string? _tensor;

    private SafetensorsHeaderReader(FileRegion region, int headerLength)
    {
        _region = region;
        _dataStart = LengthBytes + headerLength;
        _reader = new Utf8JsonReader(region.Span(LengthBytes, headerLength), JsonText.Options);
    }

    /// <summary>Adds a file's tensors to a table.</summary>
    public static void Read(FileRegion region, TensorTable table)
    {
        if (region.Length < LengthBytes)
        {
            throw new ModelFormatException(region.Path, $"the file header is cut off: the file has {region.Length} bytes, fewer than the "
                + $"length that a safetensors file starts with. {FileText.Mend}");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(region.Span(0, LengthBytes));
        if (length > (ulong)(region.Length - LengthBytes) || length > MaximumHeaderBytes)
        {
            throw new ModelFormatException(region.Path, $"the file header claims {length} bytes, but {region.Length - LengthBytes} bytes "
                + $"are left in the file and no more than {MaximumHeaderBytes} are read. {FileText.Mend}");
        }

        var reader = new SafetensorsHeaderReader(region, (int)length);
        reader.ReadTensors();
        reader.Place(table);
    }

    private void ReadTensors()
    {
        try
        {
            Advance(JsonTokenType.StartObject, "an object");
            while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
            {
                _tensor = null;
                string name = Text("a tensor's name");
                if (name == "__metadata__")
                {
                    ReadUserMetadata();
                    continue;
                }

                _tensor = name;
                if (_tensors.Count == TensorTable.MaximumCount)
                {
                    throw Error($"is one of more than {TensorTable.MaximumCount}, the most that are read. {FileText.Mend}");
                }

                _tensors.Add(ReadTensor(name));
            }

            _tensor = null;
            _reader.Read(); // throws where more than padding follows the object
        }
        catch (JsonException)
        {
            throw Error($"is not valid JSON near byte {LengthBytes + _reader.BytesConsumed} of the file. {FileText.Mend}");
        }
    }

    /// <summary>Free text for people, which no program reads; it must merely be what the format says.</summary>
    private void ReadUserMetadata()
    {
        Advance(JsonTokenType.StartObject, "__metadata__ as an object of strings");
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            Advance(JsonTokenType.String, "__metadata__ as an object of strings");
        }
    }

    private TensorInfo ReadTensor(string name)
    {
        TensorType? type = null;
        long[]? shape = null;
        (long Begin, long End)? range = null;
        Advance(JsonTokenType.StartObject, "an object with dtype, shape and data_offsets");
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            if (_reader.ValueTextEquals("dtype"u8))
            {
                Set(ref type, ReadType(), "dtype");
            }
            else if (_reader.ValueTextEquals("shape"u8))
            {
                Set(ref shape, ReadShape(), "shape");
            }
            else if (_reader.ValueTextEquals("data_offsets"u8))
            {
                Set(ref range, ReadRange(), "data_offsets");
            }
            else
            {
                _reader.Skip();
            }
        }

        if (type is null || shape is null || range is not { } bytes)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Error($"has no {missing}. {FileText.Mend}");
        }

        long size = ByteLength(type, shape);
        if (!TensorSize.HasSoundRows(shape))
        {
            throw Error(TensorSize.DescribeRows(shape));
        }

        if (bytes.End - bytes.Begin != size)
        {
            throw Error($"has data_offsets of {bytes.End - bytes.Begin} bytes, but {type.Name} {FileText.Shape(shape)} takes {size}. "
                + FileText.Mend);
        }

        return new TensorInfo(_region, name, type, shape, _dataStart + bytes.Begin, size);
    }

    private readonly void Set<T>(ref T? field, T value, string name)
    {
        if (field is not null)
        {
            throw Error($"has two entries {name}. {FileText.Mend}");
        }

        field = value;
    }

    private TensorType ReadType()
    {
        Advance(JsonTokenType.String, "dtype as a string");
        string dtype = Text("a dtype");
        return TensorType.FromSafetensors(dtype) ?? throw Error($"has the unknown dtype {FileText.Quote(dtype)}. The file is damaged, or "
            + "newer than this reader: convert it to F32, F16 or BF16.");
    }

    private long[] ReadShape()
    {
        Span<long> shape = stackalloc long[MaximumDimensions];
        return shape[..ReadNumbers("shape", shape)].ToArray();
    }

    private (long Begin, long End)? ReadRange()
    {
        Span<long> range = stackalloc long[2];
        int count = ReadNumbers("data_offsets", range);
        if (count != 2 || range[0] > range[1])
        {
            throw Error($"has data_offsets {FileText.Shape(range[..count].ToArray())}, which are no begin and end. {FileText.Mend}");
        }

        long available = _region.Length - _dataStart;
        return range[1] <= available
            ? (range[0], range[1])
            : throw Error($"has data_offsets [{range[0]}, {range[1]}], but the data section has {available} bytes. {FileText.Mend}");
    }

    private int ReadNumbers(string what, scoped Span<long> numbers)
    {
        Advance(JsonTokenType.StartArray, "arrays of numbers as shape and data_offsets");
        int count = 0;
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out long number) || number < 0)
            {
                throw Error($"has something in its {what} that is no whole number from 0 to 2^63. {FileText.Mend}");
            }

            if (count == numbers.Length)
            {
                throw Error($"has more than {numbers.Length} numbers in its {what}. {FileText.Mend}");
            }

            numbers[count++] = number;
        }

        return count;
    }

    private readonly long ByteLength(TensorType type, long[] shape)
    {
        long elements = 1;
        foreach (long size in shape)
        {
            if (size != 0 && elements > long.MaxValue / size)
            {
                throw Error($"has shape {FileText.Shape(shape)}: its elements cannot be counted in 64 bits. {FileText.Mend}");
            }

            elements *= size;
        }

        return type.TryGetByteLength(elements, out long bytes)
            ? bytes
            : throw Error($"has shape {FileText.Shape(shape)}, in {type.Name} no whole number of bytes below 2^63. {FileText.Mend}");
    }

    /// <summary>Adds the tensors in the header's order, once they are known to cover the data in the order of their offsets.</summary>
    private readonly void Place(TensorTable table)
    {
        TensorInfo[] ordered = [.. _tensors];
        Array.Sort(ordered, static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.ByteLength.CompareTo(b.ByteLength));
        long end = _dataStart;
        TensorInfo? before = null;
        foreach (var tensor in ordered)
        {
            if (tensor.Offset != end)
            {
                string fault = tensor.Offset < end ? "overlaps" : "leaves a gap after";
                throw new ModelFormatException(_region.Path, $"tensor {FileText.Quote(tensor.Name)} {fault} {Describe(before)}: its data "
                    + $"starts at {tensor.Offset - _dataStart}, but must start at {end - _dataStart}. {FileText.Mend}");
            }

            end += tensor.ByteLength;
            before = tensor;
        }

        if (end != _region.Length)
        {
            throw new ModelFormatException(_region.Path, $"the file goes on for {_region.Length - end} bytes after "
                + $"{Describe(before)}. {FileText.Mend}");
        }

        foreach (var tensor in _tensors)
        {
            table.Add(tensor);
        }

        static string Describe(TensorInfo? tensor) => tensor is null ? "the start of the data" : $"tensor {FileText.Quote(tensor.Name)}";
    }

    private void Advance(JsonTokenType wanted, string what)
    {
        if (!_reader.Read() || _reader.TokenType != wanted)
        {
            throw Error($"must have {what}, but not what is near byte {LengthBytes + _reader.BytesConsumed} of the file. {FileText.Mend}");
        }
    }

    private string Text(string what) => JsonText.TryRead(ref _reader, out string? text)
        ? text
        : throw Error($"has {what} that is not valid Unicode near byte {LengthBytes + _reader.BytesConsumed} of the file. {FileText.Mend}");

    private readonly ModelFormatException Error(string fault) =>
        new(_region.Path, _tensor is null ? $"the file header {fault}" : $"tensor {FileText.Quote(_tensor)} {fault}");
}
