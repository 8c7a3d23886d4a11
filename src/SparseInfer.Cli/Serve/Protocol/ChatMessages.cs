using System.Text.Json;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>The conversation of a request: <c>messages</c>.</summary>
internal static class ChatMessages
{
    private const int MaxMessages = 4096;

    /// <summary>Reads it.</summary>
    /// <exception cref="ApiException">It is missing, or wrong.</exception>
    public static IReadOnlyList<ChatTurn> Read(Parameters parameters)
    {
        _ = parameters.Require("messages");
        JsonElement[] messages = parameters.List("messages", "objects", MaxMessages);
        return messages.Length > 0
            ? [.. messages.Select((message, i) => ReadTurn(new(message, $"messages[{i}]")))]
            : throw ApiException.Invalid(
                "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "messages", "empty_array");
    }

    private static ChatTurn ReadTurn(Parameters message)
    {
        _ = message.Require("role");
        string role = message.Choice("role", "system", "assistant", "user", "tool", "developer")!;
        string? content = ReadContent(message);
        if (content is null && role != "assistant")
        {
            throw ApiException.Invalid($"Invalid value for '{message.PathOf("content")}': expected a string, got null.", message.PathOf("content"));
        }

        var turn = new ChatTurn(role == "developer" ? "system" : role, content)
        {
            Name = message.Text("name"),
            ToolCalls = role == "assistant" ? [.. message.List("tool_calls", "objects", MaxMessages).Select((call, i) => ReadCall(new(call, $"{message.PathOf("tool_calls")}[{i}]")))] : [],
            ToolCallId = role == "tool" ? message.Text("tool_call_id") : null,
            Reasoning = role == "assistant" ? message.Text("reasoning_content") : null,
        };
        message.Refuse("refusal", value => role == "assistant" && value.ValueKind == JsonValueKind.String && value.ValueEquals(""));
        message.Refuse("annotations", value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        message.EndHere();
        return turn;
    }

    /// <summary>A text, or parts that are texts: they become one, as they stand.</summary>
    private static string? ReadContent(Parameters message)
    {
        if (!message.TryGet("content", out JsonElement content))
        {
            return null;
        }

        string path = message.PathOf("content");
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString(),
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select((part, i) => ReadPart(new(part, $"{path}[{i}]")))),
            _ => throw Parameters.WrongType(path, "one of a string or array of objects", content),
        };
    }

    private static string ReadPart(Parameters part)
    {
        _ = part.Require("type");
        string type = part.Text("type")!;
        if (type != "text")
        {
            throw type is "image_url" or "input_audio" or "file" or "refusal"
                ? ApiException.Invalid($"Invalid content type. {type} is only supported by certain models.", part.PathOf("type"))
                : ApiException.Invalid($"Invalid value: '{Parameters.Short(type)}'. Supported values are: 'text'.", part.PathOf("type"), "invalid_value");
        }

        _ = part.Require("text");
        string text = part.Text("text")!;
        part.Ignore("cache_control");
        part.EndHere();
        return text;
    }

    private static ChatToolCall ReadCall(Parameters call)
    {
        string? id = call.Text("id");
        call.Choice("type", "function");
        call.Ignore("index");
        var function = new Parameters(call.Require("function"), call.PathOf("function"));
        _ = function.Require("name");
        _ = function.Require("arguments");
        var read = new ChatToolCall(function.Text("name")!, function.Text("arguments")!, id);
        function.EndHere();
        call.EndHere();
        return read;
    }
}
