using System.Text.Json;

namespace SparseInfer.Sampling;

/// <summary>What an object has: of one schema, or of several that it follows all.</summary>
internal sealed class ObjectShape
{
    private readonly List<(string Name, SchemaNode Schema)> _properties = [];
    private readonly Dictionary<string, SchemaNode> _declared = [];
    private readonly HashSet<string> _required = [];
    private readonly List<string> _requiredInOrder = [];

    /// <summary>Schemas that say what properties other than theirs are, or that there are none.</summary>
    private readonly List<(HashSet<string> Known, SchemaNode Additional)> _limits = [];

    /// <summary>Properties in the order of their declaration.</summary>
    public IReadOnlyList<(string Name, SchemaNode Schema)> Properties => _properties;

    /// <summary>Names that have to be there and have no schema of their own.</summary>
    public IEnumerable<string> RequiredAlone => _requiredInOrder.Where(name => !_declared.ContainsKey(name));

    /// <summary>What other properties are; null: there are none.</summary>
    public SchemaNode? Additional { get; private set; }

    public int Least { get; private set; }

    public int? Most { get; private set; }

    /// <summary>Where a count of properties is asked for; null: nowhere.</summary>
    public SchemaNode? Counted { get; private set; }

    /// <summary>How many schemas were added, for their limit.</summary>
    public int Parts { get; set; }

    public bool IsRequired(string name) => _required.Contains(name);

    /// <summary>Adds what a schema says of objects.</summary>
    public void Add(SchemaNode schema)
    {
        HashSet<string> known = [];
        if (schema.TryGet("properties", out SchemaNode properties))
        {
            if (!properties.IsObject)
            {
                throw schema.Wrong("properties", "takes an object of schemas");
            }

            foreach (JsonProperty property in properties.Json.EnumerateObject())
            {
                known.Add(property.Name);
                AddProperty(property.Name, new(property.Value, properties.PathOf(property.Name)));
            }
        }

        AddRequired(schema);
        if (schema.TryGet("additionalProperties", out SchemaNode additional))
        {
            bool isAny = additional.Json.ValueKind == JsonValueKind.True || (additional.IsObject && !additional.Keywords.Any());
            if (!isAny)
            {
                _limits.Add((known, additional));
            }

            Additional ??= isAny ? additional : null;
        }

        if (schema.Count("minProperties") is { } least)
        {
            Least = Math.Max(Least, least);
            Counted = schema;
        }

        if (schema.Count("maxProperties") is { } most)
        {
            Most = Math.Min(Most ?? int.MaxValue, most);
            Counted = schema;
        }
    }

    /// <summary>Ends it, when all schemas are added.</summary>
    public void End()
    {
        foreach ((HashSet<string> known, SchemaNode additional) in _limits)
        {
            bool isClosed = additional.Json.ValueKind == JsonValueKind.False;
            if (_properties.Find(property => !known.Contains(property.Name)).Name is { } name)
            {
                throw Wrong($"'additionalProperties' {(isClosed ? "is false, and leaves out" : "is to hold for")} '{name}', which another schema declares that is to hold too: declare it here.", additional);
            }

            if (isClosed && RequiredAlone.FirstOrDefault() is { } required)
            {
                throw Wrong($"'{required}' is required, and 'additionalProperties' is false: declare it under 'properties'.", additional);
            }
        }

        if (_limits.Exists(limit => limit.Additional.Json.ValueKind == JsonValueKind.False))
        {
            Additional = null;
        }
        else if (_limits.Count > 0)
        {
            Additional = _limits.Count == 1 ? _limits[0].Additional
                : throw Wrong("'additionalProperties' is there in two schemas that are to hold together: give it once.", _limits[1].Additional);
        }
    }

    private static JsonSchemaException Wrong(string message, SchemaNode additional) => new(message, additional.Path, "additionalProperties");

    private void AddProperty(string name, SchemaNode schema)
    {
        if (_declared.TryAdd(name, schema))
        {
            _properties.Add((name, schema));
        }
        else if (!JsonElement.DeepEquals(_declared[name].Json, schema.Json))
        {
            throw new JsonSchemaException($"'{name}' has another schema at {_declared[name].Path}, and both are to hold: declare it once.", schema.Path, "properties");
        }
    }

    private void AddRequired(SchemaNode schema)
    {
        if (!schema.TryGet("required", out SchemaNode required))
        {
            return;
        }

        string?[] names = required.Json.ValueKind == JsonValueKind.Array ? [.. required.Json.EnumerateArray().Select(SchemaNode.TextOf)] : [null];
        foreach (string? name in names)
        {
            if (_required.Add(name ?? throw schema.Wrong("required", "takes an array of names")))
            {
                _requiredInOrder.Add(name);
            }
        }
    }
}
