using System.Text.Json;

namespace SparseInfer.Sampling;

/// <summary>What an object has: of one schema, or of several that it follows all.</summary>
internal sealed class ObjectShape
{
    private readonly List<(string Name, SchemaNode Schema)> _properties = [];
    private readonly HashSet<string> _required = [];
    private readonly List<string> _requiredInOrder = [];
    private readonly List<(HashSet<string> Known, string Path)> _closed = [];

    /// <summary>Properties in the order of their declaration.</summary>
    public IReadOnlyList<(string Name, SchemaNode Schema)> Properties => _properties;

    /// <summary>Names that have to be there and have no schema of their own.</summary>
    public IEnumerable<string> RequiredAlone => _requiredInOrder.Where(name => _properties.TrueForAll(property => property.Name != name));

    /// <summary>What other properties are; null: there are none.</summary>
    public SchemaNode? Additional { get; private set; }

    public int Least { get; private set; }

    public int? Most { get; private set; }

    /// <summary>Where a count of properties is asked for; null: nowhere.</summary>
    public SchemaNode? Counted { get; private set; }

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
            if (additional.Json.ValueKind == JsonValueKind.False)
            {
                _closed.Add((known, additional.Path));
            }
            else
            {
                Additional = Additional is null ? additional : throw new JsonSchemaException("'additionalProperties' is there in two schemas that are to hold together: give it once.", additional.Path, "additionalProperties");
            }
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
        foreach ((HashSet<string> known, string path) in _closed)
        {
            if (_properties.Find(property => !known.Contains(property.Name)).Name is { } name)
            {
                throw new JsonSchemaException($"'additionalProperties' is false, and leaves out '{name}', which another schema declares that is to hold too: declare it here.", path, "additionalProperties");
            }

            Additional = null;
            if (RequiredAlone.FirstOrDefault() is { } required)
            {
                throw new JsonSchemaException($"'{required}' is required, and 'additionalProperties' is false: declare it under 'properties'.", path, "additionalProperties");
            }
        }
    }

    private void AddProperty(string name, SchemaNode schema)
    {
        int at = _properties.FindIndex(property => property.Name == name);
        if (at < 0)
        {
            _properties.Add((name, schema));
        }
        else if (!JsonElement.DeepEquals(_properties[at].Schema.Json, schema.Json))
        {
            throw new JsonSchemaException($"'{name}' has another schema at {_properties[at].Schema.Path}, and both are to hold: declare it once.", schema.Path, "properties");
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
