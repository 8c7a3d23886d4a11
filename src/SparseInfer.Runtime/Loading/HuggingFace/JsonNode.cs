using System.Text.Json;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>A place in a JSON document that knows its own name, for messages. What is not there counts as null.</summary>
internal readonly struct JsonNode
{
    private readonly string _file;
    private readonly JsonElement _element;

    private JsonNode(string file, string path, JsonElement element)
    {
        _file = file;
        Path = path;
        _element = element;
    }

    /// <summary>Such as <c>model.merges[3]</c>; empty for the whole.</summary>
    public string Path { get; }

    public bool IsNull => _element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public bool IsString => _element.ValueKind == JsonValueKind.String;

    public bool IsObject => _element.ValueKind == JsonValueKind.Object;

    public bool IsTrue => _element.ValueKind == JsonValueKind.True;

    /// <summary>The value of a key; the last one where it is there several times.</summary>
    public JsonNode this[string key] => new(
        _file, Path.Length == 0 ? key : $"{Path}.{key}", IsObject && _element.TryGetProperty(key, out JsonElement value) ? value : default);

    /// <summary>The document of a file.</summary>
    /// <exception cref="ModelFormatException">It is too large, or not of this kind: an object or an array.</exception>
    public static JsonNode Parse(FileRegion region, int maximumBytes, out JsonDocument document, JsonValueKind kind = JsonValueKind.Object)
    {
        try
        {
            document = JsonDocument.Parse(JsonText.Whole(region, maximumBytes).ToArray(), new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException e)
        {
            throw new ModelFormatException(
                region.Path, $"this is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine}. {FileText.Mend}");
        }

        return document.RootElement.ValueKind == kind
            ? new JsonNode(region.Path, "", document.RootElement)
            : throw new ModelFormatException(region.Path, $"a JSON {(kind == JsonValueKind.Array ? "array" : "object")} was expected. {FileText.Mend}");
    }

    /// <summary>A text.</summary>
    public string Text()
    {
        try
        {
            return _element.ValueKind == JsonValueKind.String ? _element.GetString()! : throw Wrong("a string");
        }
        catch (InvalidOperationException)
        {
            throw Error("is a text that is not valid Unicode");
        }
    }

    /// <summary>A text, or null where there is none or it is empty.</summary>
    public string? TextOrNull() => IsNull || Text() is not { Length: > 0 } text ? null : text;

    /// <summary>True or false; a default where there is neither.</summary>
    public bool Flag(bool byDefault) => _element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ when IsNull => byDefault,
        _ => throw Wrong("true or false"),
    };

    /// <summary>A whole number that can be the id of a token.</summary>
    public int Id() => _element.ValueKind == JsonValueKind.Number && _element.TryGetInt32(out int id) && id is >= 0 and < ModelMetadata.MaximumElements
        ? id
        : throw Wrong("the id of a token");

    /// <summary>The elements of an array; none where there is no array at all.</summary>
    public IEnumerable<JsonNode> Items()
    {
        if (IsNull)
        {
            yield break;
        }

        if (_element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("an array");
        }

        int i = 0;
        foreach (JsonElement item in _element.EnumerateArray())
        {
            yield return new JsonNode(_file, $"{Path}[{i++}]", item);
        }
    }

    /// <summary>The keys of an object, each with its value.</summary>
    public IEnumerable<(string Key, JsonNode Value)> Properties()
    {
        if (!IsObject)
        {
            throw Wrong("an object");
        }

        foreach (JsonProperty property in _element.EnumerateObject())
        {
            string key;
            try
            {
                key = property.Name;
            }
            catch (InvalidOperationException)
            {
                throw Error("has a key that is not valid Unicode");
            }

            yield return (key, new JsonNode(_file, $"{Path}.{key}", property.Value));
        }
    }

    /// <summary>An error about this place.</summary>
    public ModelFormatException Error(string fault) => new(_file, $"{FileText.Quote(Path)} {fault}.");

    /// <summary>An error about what is right, but not supported.</summary>
    public ModelFormatException NotSupported(string what) => Error($"is {FileText.Quote(what)}, which is not supported");

    private ModelFormatException Wrong(string wanted) =>
        Error(IsNull ? $"is missing; it must be {wanted}" : $"is not {wanted}, as it must be");
}
