using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace SparseInfer.Files;

/// <summary>
/// A <c>config.json</c> as metadata: its own key names, those inside objects joined with dots. Values are views into the mapping,
/// decoded on request; null counts as absent. <c>NaN</c> and <c>Infinity</c>, which Python's json writes, are the numbers that they name.
/// </summary>
internal sealed class JsonMetadata : ModelMetadata
{
    private const int MaximumFileBytes = 16 << 20;
    private const int MaximumKeys = 16384;

    /// <summary>Keys repeat the names of the objects around them, so without a bound a file could blow itself up.</summary>
    private const int MaximumKeyLength = 256;

    private readonly FileRegion? _region;
    private readonly List<string> _keys = [];
    private readonly Dictionary<string, Value> _values = [];

    /// <summary>The file with zeros for numbers that are not finite; null where there are none.</summary>
    private byte[]? _finite;

    private JsonMetadata(string path, FileRegion? region)
        : base(path) => _region = region;

    public override IReadOnlyList<string> Keys => _keys;

    /// <summary>The metadata of a model that has no <c>config.json</c>.</summary>
    public static JsonMetadata Empty(string path) => new(path, null);

    /// <summary>Reads a <c>config.json</c>.</summary>
    public static JsonMetadata Read(FileRegion region)
    {
        var metadata = new JsonMetadata(region.Path, region);
        var bytes = JsonText.Whole(region, MaximumFileBytes);
        long offset = region.Length - bytes.Length;
        metadata._finite = JsonText.WithoutNonFinite(region.Span(0, (int)region.Length));
        if (metadata._finite is not null)
        {
            bytes = metadata._finite.AsSpan((int)offset);
        }

        var reader = new Utf8JsonReader(bytes, JsonText.Options);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ModelFormatException(region.Path, $"a JSON object was expected. {FileText.Mend}");
            }

            metadata.ReadObject(ref reader, "", offset);
            reader.Read(); // throws where something follows the object
        }
        catch (JsonException e)
        {
            throw new ModelFormatException(
                region.Path, $"this is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}. {FileText.Mend}");
        }

        return metadata;
    }

    public override string? Describe(string key) => !_values.TryGetValue(key, out var value) ? null : value.Kind switch
    {
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.StartArray => "an array",
        _ => "a boolean",
    };

    public override bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!TryOpen(key, out var reader) || reader.TokenType != JsonTokenType.String)
        {
            return false;
        }

        value = Text(ref reader, key);
        return true;
    }

    public override bool TryGetInt64(string key, out long value)
    {
        value = 0;
        return TryOpen(key, out var reader) && IsFinite(reader, key) && reader.TryGetInt64(out value);
    }

    public override bool TryGetDouble(string key, out double value)
    {
        value = 0;
        return TryOpen(key, out var reader) && TryReadDouble(reader, key, out value);
    }

    public override bool TryGetBoolean(string key, out bool value)
    {
        bool found = TryOpen(key, out var reader) && reader.TokenType is JsonTokenType.True or JsonTokenType.False;
        value = found && reader.TokenType == JsonTokenType.True;
        return found;
    }

    public override bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? values)
    {
        values = null;
        if (!TryOpen(key, out var reader) || reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        var texts = new List<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            texts.Add(Text(ref reader, key));
        }

        return TryFinish(reader, texts, out values);
    }

    public override bool TryGetSingleArray(string key, [NotNullWhen(true)] out float[]? values)
    {
        values = null;
        if (!TryOpen(key, out var reader) || reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        var numbers = new List<float>();
        while (reader.Read() && TryReadDouble(reader, key, out double number))
        {
            numbers.Add((float)number);
        }

        return TryFinish(reader, numbers, out values);
    }

    public override bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? values)
    {
        values = null;
        if (!TryOpen(key, out var reader) || reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        var numbers = new List<int>();
        while (reader.Read() && IsFinite(reader, key) && reader.TryGetInt32(out int number))
        {
            numbers.Add(number);
        }

        return TryFinish(reader, numbers, out values);
    }

    private static bool TryFinish<T>(in Utf8JsonReader reader, List<T> read, [NotNullWhen(true)] out T[]? values)
    {
        // Every element was of the kind asked for exactly when the loop came to the array's end.
        values = reader.TokenType == JsonTokenType.EndArray ? [.. read] : null;
        return values is not null;
    }

    private void ReadObject(ref Utf8JsonReader reader, string prefix, long offset)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!JsonText.TryRead(ref reader, out string? name))
            {
                throw new ModelFormatException(Path, $"a key after {FileText.Quote(prefix)} is not valid Unicode. {FileText.Mend}");
            }

            string key = prefix.Length == 0 ? name : $"{prefix}.{name}";
            if (key.Length > MaximumKeyLength)
            {
                throw Error(key, $"is longer than {MaximumKeyLength} characters. {FileText.Mend}");
            }

            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                ReadObject(ref reader, key, offset);
                continue;
            }

            var kind = reader.TokenType;
            long start = reader.TokenStartIndex;
            reader.Skip();
            if (kind == JsonTokenType.Null)
            {
                continue;
            }

            if (!_values.TryAdd(key, new Value(kind, offset + start, (int)(reader.BytesConsumed - start))))
            {
                throw Error(key, $"is there twice. {FileText.Mend}");
            }

            _keys.Add(key);
            if (_keys.Count > MaximumKeys)
            {
                throw Error(key, $"is one of more than {MaximumKeys} keys, the most that are read. {FileText.Mend}");
            }
        }
    }

    private bool TryOpen(string key, out Utf8JsonReader reader)
    {
        reader = default;
        if (_region is null || !_values.TryGetValue(key, out var value))
        {
            return false;
        }

        var bytes = _finite is null ? _region.Span(value.Start, value.Length) : _finite.AsSpan((int)value.Start, value.Length);
        reader = new Utf8JsonReader(bytes, JsonText.Options);
        return reader.Read();
    }

    /// <summary>The number that the reader stands at, within the value of a key.</summary>
    private bool TryReadDouble(in Utf8JsonReader reader, string key, out double number)
    {
        number = 0;
        if (reader.TokenType != JsonTokenType.Number)
        {
            return false;
        }

        if (NonFinite(reader, key) is not { } special)
        {
            return reader.TryGetDouble(out number);
        }

        number = special;
        return true;
    }

    private bool IsFinite(in Utf8JsonReader reader, string key) =>
        reader.TokenType == JsonTokenType.Number && NonFinite(reader, key) is null;

    private double? NonFinite(in Utf8JsonReader reader, string key)
    {
        if (_finite is null)
        {
            return null;
        }

        var value = _values[key];
        int start = (int)reader.TokenStartIndex;
        return JsonText.NonFiniteAt(_region!.Span(value.Start + start, value.Length - start));
    }

    private string Text(ref Utf8JsonReader reader, string key) => JsonText.TryRead(ref reader, out string? text)
        ? text
        : throw Error(key, $"holds a text that is not valid Unicode. {FileText.Mend}");

    private readonly record struct Value(JsonTokenType Kind, long Start, int Length);
}
