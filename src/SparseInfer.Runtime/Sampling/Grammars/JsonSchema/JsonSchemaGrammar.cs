using System.Text.Json;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>
/// Makes the grammar of a JSON schema. Its texts are all taken by the schema; what cannot be kept to is an error that names the keyword. Where a schema leaves other
/// properties open by saying nothing of them, there are none, as in llama.cpp.
/// </summary>
internal sealed class JsonSchemaGrammar
{
    /// <summary>Most alternatives of a oneOf: each is compared with all others.</summary>
    private const int MaxOneOf = 500;

    /// <summary>Most schemas that hold together.</summary>
    private const int MaxTogether = 1000;

    private readonly SchemaNode _root;
    private readonly GrammarRules _rules;
    private readonly JsonRules _json;
    private readonly ObjectGrammar _objects;
    private readonly SchemaOverlap _overlap;

    /// <summary>Rules of what <c>$ref</c> names, and those that say nothing yet: a schema may be as deep as it likes.</summary>
    private readonly Dictionary<string, int> _named = [];
    private readonly Queue<(int Rule, SchemaNode Schema)> _pending = [];

    private JsonSchemaGrammar(JsonElement root, GrammarRules rules)
    {
        _root = new(root, "#");
        _rules = rules;
        _json = new JsonRules(rules);
        _objects = new ObjectGrammar(rules, _json, ValueOf);
        _overlap = new SchemaOverlap(Follow);
    }

    /// <summary>The grammar of a schema.</summary>
    /// <param name="schema">The schema. It is not needed any more afterwards.</param>
    /// <param name="text">What the grammar is called.</param>
    /// <exception cref="JsonSchemaException">It cannot be kept to.</exception>
    /// <exception cref="GrammarException">It is too large, or has no value.</exception>
    public static Grammar Of(JsonElement schema, string text)
    {
        var rules = new GrammarRules();
        int root = rules.Name("root");
        try
        {
            rules[root].Body = new JsonSchemaGrammar(schema, rules).Build();
        }
        catch (InvalidOperationException)
        {
            throw new JsonSchemaException("A name or text of the schema has half of a surrogate pair, which no text has: mend its \\u escapes.", "#");
        }

        return Compile(rules, root, text);
    }

    /// <summary>The grammar of any object.</summary>
    public static Grammar AnyObject()
    {
        var rules = new GrammarRules();
        int root = rules.Name("root");
        rules[root].Body = new JsonRules(rules).Object;
        return new Grammar(rules, root, "any JSON object");
    }

    /// <summary>Whether a schema of objects, as JSON text, says nothing of them: <c>{}</c>, or <c>true</c>.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="JsonSchemaException">It takes what is no object.</exception>
    public static bool IsAnyObject(string schema)
    {
        using JsonDocument document = JsonDocument.Parse(schema);
        var root = new SchemaNode(document.RootElement, "#");
        root.Check();
        if (root.Json.ValueKind == JsonValueKind.True || (root.IsObject && !root.Keywords.Any()))
        {
            return true;
        }

        return root.IsObject && root.TypesOf() is ["object"] ? false
            : throw new JsonSchemaException("The parameters of a tool are to be an object: give 'type': 'object'.", "#", "type");
    }

    private static Grammar Compile(GrammarRules rules, int root, string text)
    {
        try
        {
            return new Grammar(rules, root, text);
        }
        catch (GrammarException exception) when (exception.Message.Contains("left recursion", StringComparison.Ordinal))
        {
            throw new JsonSchemaException("A schema refers to itself by '$ref' with nothing between: it says nothing of a value. Mend the reference.", "#", "$ref");
        }
        catch (GrammarException exception) when (exception.Message.StartsWith("No text", StringComparison.Ordinal))
        {
            throw new JsonSchemaException("No value follows the schema: what it asks for excludes itself, or refers to itself for ever.", "#");
        }
    }

    private GrammarExpression Build()
    {
        GrammarExpression root = ValueOf(_root);
        while (_pending.TryDequeue(out (int Rule, SchemaNode Schema) named))
        {
            _rules[named.Rule].Body = BodyOf(named.Schema);
        }

        return root;
    }

    /// <summary>Values of a schema. Where it holds together with others it is a rule that is made later: by a <c>$ref</c> among those it may come back to itself.</summary>
    private GrammarExpression ValueOf(SchemaNode schema)
    {
        schema.Check();
        string[] keywords = [.. schema.Keywords];
        bool isTogether = keywords.Length > 1 && keywords.Any(keyword => keyword is "$ref" or "anyOf" or "oneOf");
        return isTogether || keywords.Contains("allOf") ? Named(schema) : BodyOf(schema);
    }

    private GrammarExpression BodyOf(SchemaNode schema)
    {
        schema.Check();
        if (!schema.IsObject)
        {
            return schema.Json.ValueKind == JsonValueKind.True ? _json.Value : Choice([]);
        }

        string[] keywords = [.. schema.Keywords];
        if (keywords.Contains("$ref") && (keywords.Length == 1 || (keywords.Length == 2 && schema.TryGet("type", out _) && IsOfType(Follow(schema), schema))))
        {
            return Named(Follow(schema));
        }

        if (keywords.Contains("enum") || keywords.Contains("const"))
        {
            return ValuesOf(schema, keywords);
        }

        string? together = keywords.FirstOrDefault(keyword => keyword is "anyOf" or "oneOf");
        if (together is not null)
        {
            return OneOf(schema, together, isAlone: keywords.Length == 1);
        }

        if (keywords.Contains("allOf") || keywords.Contains("$ref"))
        {
            SchemaNode[] parts = keywords.Contains("allOf") ? [.. schema.Schemas("allOf")] : [];
            return parts.Length == 1 && keywords.Length == 1 ? ValueOf(parts[0]) : ObjectOf([schema]);
        }

        string[]? types = schema.TypesOf();
        return types is null ? _json.Value : Choice([.. types.Select(type => OfType(schema, type))]);
    }

    /// <summary>Whether a schema asks for no type that another one does not.</summary>
    private static bool IsOfType(SchemaNode schema, SchemaNode other) => schema.TryGet("type", out _) && schema.TypesOf()!.Except(other.TypesOf()!).FirstOrDefault() is null;

    private GrammarExpression Named(SchemaNode schema)
    {
        if (!_named.TryGetValue(schema.Path, out int rule))
        {
            rule = _rules.Name(schema.Path);
            _named.Add(schema.Path, rule);
            _pending.Enqueue((rule, schema));
        }

        return Rule(rule);
    }

    private SchemaNode Follow(SchemaNode schema)
    {
        string pointer = schema.Text("$ref")!;
        return _root.TryFollow(pointer, out SchemaNode? target) ? target.Value
            : throw schema.Wrong("$ref", $"is '{pointer}', and names no part of this schema: it takes #, or a pointer such as #/$defs/name");
    }

    private GrammarExpression ValuesOf(SchemaNode schema, string[] keywords)
    {
        if (Array.Find(keywords, keyword => keyword is not ("enum" or "const" or "type")) is { } other)
        {
            throw schema.Wrong(other, "is not supported beside 'enum' or 'const': leave out the values that it excludes");
        }

        IReadOnlyList<JsonElement> values = SchemaOverlap.ValuesOf(schema)!;
        string[] texts = [.. values.Select(JsonRules.TextOf).Distinct()];
        return texts.Length > 0 ? Choice([.. texts.Select(Literal)]) : throw schema.Wrong(keywords.Contains("enum") ? "enum" : "const", "has no value of the type that is asked for");
    }

    private GrammarExpression OneOf(SchemaNode schema, string keyword, bool isAlone)
    {
        IReadOnlyList<SchemaNode> alternatives = schema.Schemas(keyword);
        if (keyword == "oneOf" && alternatives.Count > MaxOneOf)
        {
            throw schema.Wrong(keyword, $"has more than {MaxOneOf} alternatives, too many to tell each from all others: use 'anyOf', or 'enum'");
        }

        if (keyword == "oneOf" && _overlap.Find(alternatives) is (var first, var second))
        {
            throw schema.Unsupported(
                keyword, $"a value may follow alternatives {first} and {second} of 'oneOf', and has to follow one alone: use 'anyOf', or a property that tells them apart by 'const'");
        }

        if (isAlone)
        {
            return Choice([.. alternatives.Select(ValueOf)]);
        }

        GrammarExpression objects = Choice([.. alternatives.Select(alternative => ObjectOf([schema, alternative], except: keyword))]);
        bool takesNull = keyword == "anyOf" && schema.TryGet("type", out _) && SaysNothingOfNull(schema) && alternatives.Any(SaysNothingOfNull);
        return takesNull ? Choice(objects, Literal("null")) : objects;
    }

    /// <summary>Whether keywords are about objects alone, and the type that is asked for, where one is, has null.</summary>
    private static bool SaysNothingOfNull(SchemaNode schema) => schema.IsObject
        && !schema.Keywords.Any(keyword => keyword is "$ref" or "allOf")
        && (!schema.TryGet("type", out _) || schema.TypesOf()!.Contains("null"));

    private GrammarExpression ObjectOf(IReadOnlyList<SchemaNode> schemas, string? except = null)
    {
        var shape = new ObjectShape();
        foreach (SchemaNode schema in schemas)
        {
            Collect(schema, shape, except, depth: 0);
        }

        shape.End();
        return _objects.Of(shape, schemas[0]);
    }

    private GrammarExpression ObjectOf(SchemaNode schema)
    {
        var shape = new ObjectShape();
        shape.Add(schema);
        shape.End();
        return _objects.Of(shape, schema);
    }

    /// <summary>Adds what a schema says, and those that hold with it, all of objects.</summary>
    private void Collect(SchemaNode schema, ObjectShape shape, string? except, int depth)
    {
        schema.Check();
        if (depth > 32 || ++shape.Parts > MaxTogether)
        {
            throw new JsonSchemaException($"Schemas that hold together refer to each other more than 32 deep, or in a circle, or are more than {MaxTogether}.", schema.Path, "$ref");
        }

        foreach (string keyword in schema.Keywords)
        {
            if (keyword != except && keyword is not ("$ref" or "allOf" or "type" or "properties" or "required" or "additionalProperties" or "minProperties" or "maxProperties"))
            {
                throw schema.Wrong(keyword, "is not supported together with other schemas that are to hold too: of these, properties of objects are");
            }
        }

        if (schema.TypesOf() is { } types && !types.Contains("object"))
        {
            throw schema.Wrong("type", "is to be object where several schemas are to hold together");
        }

        if (schema.TryGet("$ref", out _))
        {
            Collect(Follow(schema), shape, except: null, depth + 1);
        }

        shape.Add(schema);
        foreach (SchemaNode part in schema.TryGet("allOf", out _) ? schema.Schemas("allOf") : [])
        {
            Collect(part, shape, except: null, depth + 1);
        }
    }

    private GrammarExpression OfType(SchemaNode schema, string type) => type switch
    {
        "object" when !schema.Keywords.Any(keyword => keyword is "properties" or "required" or "additionalProperties" or "minProperties" or "maxProperties") => _json.Object,
        "object" => ObjectOf(schema),
        "array" => ArrayOf(schema),
        "string" => StringOf(schema),
        "integer" => NumberGrammar.Integer(schema, _json),
        "number" => NumberGrammar.Number(schema, _json),
        "boolean" => Choice(Literal("true"), Literal("false")),
        _ => Literal("null"),
    };

    private GrammarExpression ArrayOf(SchemaNode schema)
    {
        if (schema.TryGet("uniqueItems", out SchemaNode unique) && unique.Json.ValueKind != JsonValueKind.False)
        {
            throw schema.Unsupported("uniqueItems", "'uniqueItems' is not supported: leave it out, and check the answer");
        }

        if (schema.TryGet("items", out SchemaNode items) && items.Json.ValueKind == JsonValueKind.Array)
        {
            throw schema.Wrong("items", "takes a schema for all items: for one each there is 'prefixItems'");
        }

        int least = schema.Count("minItems") ?? 0;
        int? most = schema.Count("maxItems");
        IReadOnlyList<SchemaNode> first = schema.TryGet("prefixItems", out _) ? schema.Schemas("prefixItems") : [];
        if (most < first.Count)
        {
            first = [.. first.Take(most.Value)];
        }

        bool isClosed = (schema.TryGet("items", out _) && items.Json.ValueKind == JsonValueKind.False) || (most == first.Count);
        if (least > most || (isClosed && least > first.Count))
        {
            throw schema.Wrong("minItems", "asks for more items than there may be");
        }

        GrammarExpression? others = isClosed ? null : schema.TryGet("items", out _) ? ValueOf(items) : _json.Value;
        return _json.ArrayOf([.. first.Select(ValueOf)], least, others, Math.Max(0, least - first.Count), most - first.Count);
    }

    private GrammarExpression StringOf(SchemaNode schema)
    {
        string? format = schema.Text("format");
        string? pattern = schema.Text("pattern");
        int? least = schema.Count("minLength");
        int? most = schema.Count("maxLength");
        if (format is null && pattern is null && least is null or 0 && most is null)
        {
            return _json.String;
        }

        if ((format is not null || pattern is not null) && (least ?? most ?? 0) + (most ?? 0) > 0 || (format is not null && pattern is not null))
        {
            string keyword = format is not null ? "format" : "pattern";
            throw schema.Wrong(keyword, "is not supported together with 'minLength', 'maxLength' or another of its kind: leave one of them out");
        }

        if (format is not null)
        {
            return JsonRules.Quoted(StringFormats.Of(format, _json) ?? throw schema.Wrong("format", $"is '{format}', and of formats {StringFormats.Known} are supported: leave it out, and check the answer"));
        }

        if (pattern is not null)
        {
            try
            {
                return JsonRules.Quoted(PatternReader.Read(pattern, _json));
            }
            catch (FormatException exception)
            {
                throw schema.Wrong("pattern", $"cannot be used: {exception.Message}");
            }
        }

        return least > most
            ? throw schema.Wrong("minLength", "is greater than 'maxLength'")
            : JsonRules.Quoted(Repeat(_json.Character, least ?? 0, most));
    }
}
