using System.Text.Json;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Sampling;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>The form that a request asks for: OpenAI's <c>response_format</c>, llama.cpp's <c>grammar</c> and <c>json_schema</c>.</summary>
internal static class AnswerForms
{
    /// <summary>Reads what a conversation has of these.</summary>
    /// <returns>The grammar; null: any text.</returns>
    /// <exception cref="ApiException">It is wrong, or two are given.</exception>
    public static Grammar? OfChat(Parameters parameters)
    {
        Grammar? format = parameters.TryGet("response_format", out JsonElement value) ? OfFormat(new Parameters(value, "response_format")) : null;
        Grammar? own = OfText(parameters);
        return format is not null && own is not null
            ? throw ApiException.Invalid("Invalid 'response_format': either it can be specified, or 'grammar' or 'json_schema', but not both.", "response_format", "invalid_value")
            : format ?? own;
    }

    /// <summary>Reads what a text has of these.</summary>
    /// <inheritdoc cref="OfChat"/>
    public static Grammar? OfText(Parameters parameters)
    {
        bool hasSchema = parameters.TryGet("json_schema", out JsonElement schema);
        string? gbnf = parameters.Text("grammar") is { Length: > 0 } text ? text : null;
        if (gbnf is not null && hasSchema)
        {
            throw ApiException.Invalid("Invalid 'grammar': either 'json_schema' or 'grammar' can be specified, but not both.", "grammar", "invalid_value");
        }

        return gbnf is not null ? OfGbnf(gbnf)
            : hasSchema ? OfSchema(schema, "Invalid schema for 'json_schema'", "json_schema", "invalid_json_schema")
            : null;
    }

    /// <summary>Checks that calls of a function can be kept to its schema.</summary>
    public static void RequireSchema(string name, JsonElement schema, string path) => OfSchema(schema, $"Invalid schema for function '{name}'", path, "invalid_function_parameters");

    private static Grammar? OfFormat(Parameters format)
    {
        _ = format.Require("type");
        string type = format.Choice("type", "text", "json_object", "json_schema")!;
        Grammar? grammar = null;
        if (type == "json_object")
        {
            // llama.cpp takes a schema here.
            grammar = format.TryGet("schema", out JsonElement schema) ? OfSchema(schema, "Invalid schema for 'response_format'", "response_format", "invalid_json_schema") : Grammar.JsonObject;
        }
        else if (type == "json_schema")
        {
            var described = new Parameters(format.Require("json_schema"), format.PathOf("json_schema"));
            _ = described.Require("name");
            string name = described.Text("name")!;
            _ = described.Text("description");
            _ = described.Boolean("strict"); // kept to either way
            grammar = OfSchema(described.Require("schema"), $"Invalid schema for response_format '{Parameters.Short(name)}'", "response_format", "invalid_json_schema");
            described.EndHere();
        }

        format.EndHere();
        return grammar;
    }

    private static Grammar OfGbnf(string gbnf)
    {
        try
        {
            return Grammar.Parse(gbnf);
        }
        catch (GrammarException exception)
        {
            throw ApiException.Invalid($"Invalid 'grammar': {exception.Message}", "grammar", "invalid_grammar");
        }
    }

    private static Grammar OfSchema(JsonElement schema, string what, string path, string code)
    {
        try
        {
            return Grammar.FromJsonSchema(schema);
        }
        catch (FormatException exception)
        {
            throw ApiException.Invalid($"{what}: {exception.Message}", path, code);
        }
    }
}
