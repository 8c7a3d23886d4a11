namespace SparseInfer.Files;

/// <summary>Walks the key-value section of a GGUF file and notes where each value lies. Nothing but the keys is copied.</summary>
internal sealed class GgufMetadataReader(GgufCursor cursor)
{
    /// <summary>A length, a letter, a type and a byte: no key with its value takes less.</summary>
    public const int MinimumPairBytes = 8 + 1 + 4 + 1;

    /// <summary>Models have dozens of keys. The bound keeps the index small whatever a large file claims.</summary>
    private const int MaximumKeys = 16384;

    private const int MaximumNesting = 8;

    // Strings and inner arrays must be stepped over one by one, so their number is what a hostile file could spend time with.
    private long _stepsLeft = ModelMetadata.MaximumElements;

    public GgufMetadata Read(long count)
    {
        if (count > MaximumKeys)
        {
            throw cursor.Error($"claims {count} metadata keys; no more than {MaximumKeys} are read. {FileText.Mend}");
        }

        var keys = new List<string>();
        var values = new Dictionary<string, GgufValue>();
        for (long i = 0; i < count; i++)
        {
            cursor.Enter("metadata key number", i);
            string key = cursor.ReadName("a name");
            cursor.Enter("metadata key", key);
            long declared = cursor.Position;
            if (!values.TryAdd(key, ReadValue(ReadType("its type"), declared, nesting: 0)))
            {
                throw cursor.Error($"is there twice. {FileText.Mend}");
            }

            keys.Add(key);
        }

        return new GgufMetadata(cursor.Region, keys, values);
    }

    private GgufValueType ReadType(string what)
    {
        var type = (GgufValueType)cursor.ReadUInt32(what);
        return type.IsKnown ? type : throw cursor.Error($"has {what} {(uint)type}, which GGUF does not define. {FileText.Mend}");
    }

    private GgufValue ReadValue(GgufValueType type, long declared, int nesting)
    {
        switch (type)
        {
            case GgufValueType.String:
                long length = cursor.SkipText("a string");
                return new(type, default, length, cursor.Position - length, declared, cursor.Position);

            case GgufValueType.Array:
                return ReadArray(declared, nesting);

            case GgufValueType.Bool when cursor.Remaining > 0 && cursor.Region.Span(cursor.Position, 1)[0] > 1:
                throw cursor.Error($"is a bool, but its byte is neither 0 nor 1. {FileText.Mend}");

            default:
                long start = cursor.Position;
                cursor.Skip(type.Size, "its value");
                return new(type, default, 1, start, declared, cursor.Position);
        }
    }

    private GgufValue ReadArray(long declared, int nesting)
    {
        if (nesting == MaximumNesting)
        {
            throw cursor.Error($"holds arrays inside arrays more than {MaximumNesting} deep. {FileText.Mend}");
        }

        var elementType = ReadType("the element type of an array");
        int minimumSize = elementType switch
        {
            GgufValueType.String => 8,
            GgufValueType.Array => 4 + 8,
            _ => elementType.Size,
        };
        long count = cursor.ReadCount(minimumSize, "array elements");
        long start = cursor.Position;
        if (elementType.Size > 0)
        {
            cursor.Skip(count * elementType.Size, "an array");
            return new(GgufValueType.Array, elementType, count, start, declared, cursor.Position);
        }

        _stepsLeft -= count;
        if (_stepsLeft < 0)
        {
            throw cursor.Error($"brings the strings and inner arrays of the metadata to more than {ModelMetadata.MaximumElements}, "
                + "more than any vocabulary has. Convert the model again.");
        }

        for (long i = 0; i < count; i++)
        {
            if (elementType == GgufValueType.String)
            {
                cursor.SkipText("a string in its array");
            }
            else
            {
                ReadArray(declared, nesting + 1);
            }
        }

        return new(GgufValueType.Array, elementType, count, start, declared, cursor.Position);
    }
}
