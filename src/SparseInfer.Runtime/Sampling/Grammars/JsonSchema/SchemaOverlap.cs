using System.Text.Json;

namespace SparseInfer.Sampling;

/// <summary>Whether a value may follow two schemas. Where that is not seen, it may.</summary>
/// <param name="follow">What a <c>$ref</c> names.</param>
internal sealed class SchemaOverlap(Func<SchemaNode, SchemaNode> follow)
{
    private const int MaxDepth = 16;

    /// <summary>Most pairs of schemas and of values that are compared.</summary>
    private const int MaxWork = 200_000;

    private static readonly string[] AllKinds = ["object", "array", "string", "number", "boolean", "null"];

    /// <summary>Pairs of which it was asked already. One that was apart ended the search, so that the others are not.</summary>
    private readonly HashSet<(string, string)> _seen = [];
    private int _work;

    /// <summary>The first two of several that a value may follow; null: there are none.</summary>
    public (int First, int Second)? Find(IReadOnlyList<SchemaNode> schemas)
    {
        _work = 0;
        for (int second = 1; second < schemas.Count; second++)
        {
            for (int first = 0; first < second; first++)
            {
                _seen.Clear();
                if (!AreApart(schemas[first], schemas[second], 0))
                {
                    return (first, second);
                }
            }
        }

        return null;
    }

    /// <summary>The values of <c>enum</c> or <c>const</c> that are of the type that is asked for; null: there are no such keywords.</summary>
    public static IReadOnlyList<JsonElement>? ValuesOf(SchemaNode schema)
    {
        IEnumerable<JsonElement>? values = null;
        if (schema.TryGet("enum", out SchemaNode list))
        {
            values = list.Json.ValueKind == JsonValueKind.Array ? list.Json.EnumerateArray() : throw schema.Wrong("enum", "takes an array of values");
        }

        if (schema.TryGet("const", out SchemaNode one))
        {
            values = values is null || values.Any(value => JsonElement.DeepEquals(value, one.Json)) ? [one.Json] : [];
        }

        string[]? types = schema.TryGet("type", out _) ? schema.TypesOf() : null;
        return values is null ? null : [.. values.Where(value => types is null || types.Any(type => IsOf(value, type)))];
    }

    private bool AreApart(SchemaNode a, SchemaNode b, int depth)
    {
        if (depth > MaxDepth || ++_work > MaxWork)
        {
            return false;
        }

        (a, b) = (Followed(a), Followed(b));
        if (!_seen.Add((a.Path, b.Path)))
        {
            return false;
        }

        if (!a.IsObject || !b.IsObject)
        {
            return a.Json.ValueKind == JsonValueKind.False || b.Json.ValueKind == JsonValueKind.False;
        }

        if (ValuesOf(a) is { } values && ValuesOf(b) is { } others)
        {
            _work += (int)Math.Min((long)values.Count * others.Count, MaxWork);
            return _work <= MaxWork && !values.Any(value => others.Any(other => JsonElement.DeepEquals(value, other)));
        }

        // What is written of the one must not be taken by the other. A schema without 'type' takes all that its keywords say nothing of, though none of that is written.
        string[] shared = [.. Kinds(a.TypesOf(), a).Intersect(Kinds(TypesTaken(b), b)), .. Kinds(b.TypesOf(), b).Intersect(Kinds(TypesTaken(a), a))];
        return Array.TrueForAll(shared, kind => kind == "object") && (shared.Length == 0 || HaveAProperty(a, b, depth));
    }

    /// <summary>Whether a property that both must have tells them apart.</summary>
    private bool HaveAProperty(SchemaNode a, SchemaNode b, int depth)
    {
        if (!a.TryGet("properties", out SchemaNode properties) || !b.TryGet("properties", out SchemaNode others) || !properties.IsObject || !others.IsObject)
        {
            return false;
        }

        return properties.Json.EnumerateObject().Any(property =>
            Requires(a, property.Name) && Requires(b, property.Name)
            && others.TryGet(property.Name, out SchemaNode other)
            && AreApart(new(property.Value, properties.PathOf(property.Name)), other, depth + 1));
    }

    private SchemaNode Followed(SchemaNode schema)
    {
        for (int i = 0; i < MaxDepth && schema.Keywords.SequenceEqual(["$ref"]); i++)
        {
            schema = follow(schema);
        }

        return schema;
    }

    private static bool Requires(SchemaNode schema, string name) =>
        schema.TryGet("required", out SchemaNode required) && required.Json.ValueKind == JsonValueKind.Array
        && required.Json.EnumerateArray().Any(each => SchemaNode.TextOf(each) == name);

    /// <summary>Types of which values are taken; null: any.</summary>
    private static string[]? TypesTaken(SchemaNode schema) => schema.TryGet("type", out _) ? schema.TypesOf() : null;

    /// <summary>Types, where a whole number is a number: those of the values that are listed, or else some.</summary>
    private static IEnumerable<string> Kinds(string[]? types, SchemaNode schema) => ValuesOf(schema) is { } values
        ? values.Select(KindOf).Distinct()
        : types?.Select(type => type == "integer" ? "number" : type).Distinct() ?? AllKinds;

    private static string KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => "null",
    };

    private static bool IsOf(JsonElement value, string type) => type == KindOf(value)
        || (type == "integer" && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number) && decimal.IsInteger(number));
}
