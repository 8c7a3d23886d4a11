using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace SparseInfer.Sampling;

/// <summary>A schema, or a part of one.</summary>
/// <param name="Json">It.</param>
/// <param name="Path">Where it is: a JSON pointer.</param>
internal readonly record struct SchemaNode(JsonElement Json, string Path)
{
    /// <summary>What says nothing of which values there are.</summary>
    private static readonly HashSet<string> Annotations =
        ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment", "$defs", "definitions",
            "$anchor", "$vocabulary", "contentEncoding", "contentMediaType", "discriminator"];

    private static readonly HashSet<string> Supported =
    [
        "$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf", "properties", "required", "additionalProperties", "minProperties", "maxProperties", "items", "prefixItems",
        "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    ];

    /// <summary>Which keywords are about which type.</summary>
    private static readonly (string Type, string[] Keywords)[] Types =
    [
        ("object", ["properties", "required", "additionalProperties", "minProperties", "maxProperties"]),
        ("array", ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]),
        ("string", ["minLength", "maxLength", "pattern", "format"]),
        ("number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];

    public bool IsObject => Json.ValueKind == JsonValueKind.Object;

    /// <summary>Its keywords that are no annotations.</summary>
    public IEnumerable<string> Keywords
    {
        get
        {
            bool isReference = IsObject && Json.TryGetProperty("$ref", out _);
            return IsObject ? Json.EnumerateObject().Where(property => !SaysNothing(property, isReference)).Select(property => property.Name) : [];
        }
    }

    /// <summary>Annotations, and <c>"items": {}</c> beside a reference, as .NET writes it where a list has itself inside.</summary>
    private static bool SaysNothing(JsonProperty property, bool isReference) =>
        Annotations.Contains(property.Name) || property.Name.StartsWith("x-", StringComparison.Ordinal)
        || (isReference && property.NameEquals("items") && property.Value.ValueKind == JsonValueKind.Object && property.Value.GetPropertyCount() == 0);

    /// <summary>Checks that it is a schema, and that each keyword is one that answers are kept to.</summary>
    public void Check()
    {
        if (Json.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
        {
            throw new JsonSchemaException("A schema is an object, true or false.", Path);
        }

        foreach (string keyword in Keywords)
        {
            if (!Supported.Contains(keyword))
            {
                throw Unsupported(keyword, $"'{keyword}' is not supported: leave it out, and check the answer");
            }
        }
    }

    public bool TryGet(string keyword, out SchemaNode value)
    {
        value = default;
        if (!IsObject || !Json.TryGetProperty(keyword, out JsonElement json))
        {
            return false;
        }

        value = new(json, PathOf(keyword));
        return true;
    }

    /// <summary>A schema of a keyword.</summary>
    public SchemaNode? Schema(string keyword) => TryGet(keyword, out SchemaNode value) ? value : null;

    /// <summary>The schemas of a keyword, at least one.</summary>
    public IReadOnlyList<SchemaNode> Schemas(string keyword)
    {
        SchemaNode list = Json.GetProperty(keyword) is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() > 0
            ? new(array, PathOf(keyword))
            : throw Wrong(keyword, "takes an array of schemas");
        return [.. list.Json.EnumerateArray().Select((json, i) => new SchemaNode(json, string.Create(CultureInfo.InvariantCulture, $"{list.Path}/{i}")))];
    }

    /// <summary>A whole number, at least 0, of a keyword.</summary>
    public int? Count(string keyword) => !TryGet(keyword, out SchemaNode value) ? null
        : value.Json.ValueKind == JsonValueKind.Number && value.Json.TryGetDecimal(out decimal count) && count >= 0 && decimal.IsInteger(count)
            ? (int)Math.Min(count, int.MaxValue)
            : throw Wrong(keyword, "takes a whole number, at least 0");

    /// <summary>A number of a keyword; one that is further than a decimal goes as the farthest on its side.</summary>
    public decimal? Number(string keyword) => !TryGet(keyword, out SchemaNode value) ? null
        : value.Json.ValueKind != JsonValueKind.Number ? throw Wrong(keyword, "takes a number")
        : value.Json.TryGetDecimal(out decimal number) ? number
        : value.Json.TryGetDouble(out double far) && far < 0 ? decimal.MinValue : decimal.MaxValue;

    public string? Text(string keyword) => !TryGet(keyword, out SchemaNode value) ? null
        : TextOf(value.Json) ?? throw Wrong(keyword, "takes a text");

    /// <summary>The types that its values may have: those that it names, or else those that its other keywords are about, or null: any.</summary>
    public string[]? TypesOf()
    {
        if (TryGet("type", out SchemaNode type))
        {
            string?[] names = type.Json.ValueKind == JsonValueKind.Array ? [.. type.Json.EnumerateArray().Select(TextOf)] : [TextOf(type.Json)];
            string[] known = [.. names.OfType<string>().Where(name => name is "object" or "array" or "string" or "number" or "integer" or "boolean" or "null").Distinct()];
            return known.Length > 0 && known.Length == names.Distinct().Count() ? known : throw Wrong("type", "takes object, array, string, number, integer, boolean, null, or an array of these");
        }

        HashSet<string> keywords = [.. Keywords];
        string[] meant = [.. Types.Where(each => each.Keywords.Any(keywords.Contains)).Select(each => each.Type)];
        return meant.Length > 0 ? meant : null;
    }

    public JsonSchemaException Wrong(string keyword, string what) => Unsupported(keyword, $"'{keyword}' {what}");

    public JsonSchemaException Unsupported(string keyword, string what) => new($"{what}.", PathOf(keyword), keyword);

    /// <summary>A text that is one; null: it is no text, or has half of a surrogate pair.</summary>
    public static string? TextOf(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Follows a pointer.</summary>
    /// <param name="pointer"><c>#</c>, or <c>#/$defs/name</c>.</param>
    /// <param name="node">What is there.</param>
    public bool TryFollow(string pointer, [NotNullWhen(true)] out SchemaNode? node)
    {
        node = null;
        if (pointer != "#" && !pointer.StartsWith("#/", StringComparison.Ordinal))
        {
            return false;
        }

        JsonElement at = Json;
        foreach (string part in pointer.Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool isThere = at.ValueKind switch
            {
                JsonValueKind.Object => at.TryGetProperty(name, out at),
                JsonValueKind.Array => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < at.GetArrayLength() && (at = at[index]).ValueKind != JsonValueKind.Undefined,
                _ => false,
            };
            if (!isThere)
            {
                return false;
            }
        }

        node = new(at, pointer);
        return true;
    }

    public string PathOf(string keyword) => $"{Path}/{keyword.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";
}
