using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>Whether JSON follows a schema, of the keywords that grammars have: written from the specification, value by value, and nothing of it shared with the grammars.</summary>
internal static class SchemaCheck
{
    public static bool IsValid(string schema, string text)
    {
        using JsonDocument root = JsonDocument.Parse(schema);
        using JsonDocument value = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1000 });
        return IsValid(root.RootElement, value.RootElement, root.RootElement);
    }

    private static bool IsValid(JsonElement schema, JsonElement value, JsonElement root)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.GetBoolean();
        }

        return schema.EnumerateObject().All(keyword => Holds(keyword.Name, keyword.Value, schema, value, root));
    }

    private static bool Holds(string keyword, JsonElement rule, JsonElement schema, JsonElement value, JsonElement root) => keyword switch
    {
        "$ref" => IsValid(Follow(root, rule.GetString()!), value, root),
        "type" => rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Any(type => IsOf(value, type.GetString()!)) : IsOf(value, rule.GetString()!),
        "enum" => rule.EnumerateArray().Any(each => JsonElement.DeepEquals(each, value)),
        "const" => JsonElement.DeepEquals(rule, value),
        "anyOf" => rule.EnumerateArray().Any(each => IsValid(each, value, root)),
        "oneOf" => rule.EnumerateArray().Count(each => IsValid(each, value, root)) == 1,
        "allOf" => rule.EnumerateArray().All(each => IsValid(each, value, root)),
        _ => value.ValueKind switch
        {
            JsonValueKind.Object => OfObject(keyword, rule, schema, value, root),
            JsonValueKind.Array => OfArray(keyword, rule, schema, value, root),
            JsonValueKind.String => OfString(keyword, rule, value.GetString()!),
            JsonValueKind.Number => OfNumber(keyword, rule, value),
            _ => true,
        },
    };

    private static bool OfObject(string keyword, JsonElement rule, JsonElement schema, JsonElement value, JsonElement root) => keyword switch
    {
        "properties" => rule.EnumerateObject().All(property => value.EnumerateObject().Where(each => each.NameEquals(property.Name)).All(each => IsValid(property.Value, each.Value, root))),
        "required" => rule.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
        "additionalProperties" => value.EnumerateObject()
            .Where(each => !schema.TryGetProperty("properties", out JsonElement properties) || !properties.TryGetProperty(each.Name, out _))
            .All(each => IsValid(rule, each.Value, root)),
        "minProperties" => value.EnumerateObject().Count() >= rule.GetInt32(),
        "maxProperties" => value.EnumerateObject().Count() <= rule.GetInt32(),
        _ => true,
    };

    private static bool OfArray(string keyword, JsonElement rule, JsonElement schema, JsonElement value, JsonElement root)
    {
        int prefix = schema.TryGetProperty("prefixItems", out JsonElement first) ? first.GetArrayLength() : 0;
        return keyword switch
        {
            "prefixItems" => rule.EnumerateArray().Zip(value.EnumerateArray()).All(pair => IsValid(pair.First, pair.Second, root)),
            "items" => value.EnumerateArray().Skip(prefix).All(item => IsValid(rule, item, root)),
            "minItems" => value.GetArrayLength() >= rule.GetInt32(),
            "maxItems" => value.GetArrayLength() <= rule.GetInt32(),
            _ => true,
        };
    }

    private static bool OfString(string keyword, JsonElement rule, string value) => keyword switch
    {
        "minLength" => value.EnumerateRunes().Count() >= rule.GetInt32(),
        "maxLength" => value.EnumerateRunes().Count() <= rule.GetInt32(),
        "pattern" => Regex.IsMatch(value, rule.GetString()!, RegexOptions.CultureInvariant),
        "format" => rule.GetString() switch
        {
            "date" => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            "date-time" => DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out _),
            "time" => DateTimeOffset.TryParse($"2000-01-02T{value}", CultureInfo.InvariantCulture, out _),
            "email" => System.Net.Mail.MailAddress.TryCreate(value, out _),
            "ipv4" => System.Net.IPAddress.TryParse(value, out _),
            "uri" => Uri.TryCreate(value, UriKind.Absolute, out _),
            _ => Guid.TryParseExact(value, "D", out _),
        },
        _ => true,
    };

    private static bool OfNumber(string keyword, JsonElement rule, JsonElement value) => keyword switch
    {
        "minimum" => value.GetDecimal() >= rule.GetDecimal(),
        "maximum" => rule.TryGetDecimal(out decimal most) ? value.GetDecimal() <= most : value.GetDouble() <= rule.GetDouble(),
        "exclusiveMinimum" => value.GetDecimal() > rule.GetDecimal(),
        "exclusiveMaximum" => value.GetDecimal() < rule.GetDecimal(),
        _ => true,
    };

    private static bool IsOf(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && decimal.IsInteger(value.GetDecimal()),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };

    private static JsonElement Follow(JsonElement root, string pointer) => pointer.Split('/').Skip(1).Aggregate(root, (at, name) => at.GetProperty(name));
}
