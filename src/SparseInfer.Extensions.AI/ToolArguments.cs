using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SparseInfer.Extensions.AI;

/// <summary>Calls of tools and their results, between JSON text and objects.</summary>
internal static class ToolArguments
{
    /// <summary>As the library writes it, on one line: the model reads every space.</summary>
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>A call that a model wrote.</summary>
    public static FunctionCallContent Call(ChatToolCall call) =>
        FunctionCallContent.CreateFromParsedArguments(call.Arguments, call.Id!, call.Name, static json =>
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateObject().ToDictionary(property => property.Name, object? (property) => property.Value.Clone());
        });

    /// <summary>A call of an earlier turn.</summary>
    public static ChatToolCall Of(FunctionCallContent call) => new(
        call.Name,
        JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Compact.GetTypeInfo(typeof(IDictionary<string, object?>))),
        call.CallId);

    /// <summary>What a tool gave: text as it is, all else as JSON.</summary>
    public static string Of(FunctionResultContent result) => result.Result switch
    {
        null => result.Exception is { } exception ? $"Error: {exception.Message}" : "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        { } value => JsonSerializer.Serialize(value, Compact.GetTypeInfo(typeof(object))),
    };
}
