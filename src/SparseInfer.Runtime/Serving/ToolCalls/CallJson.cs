using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace SparseInfer.Serving;

/// <summary>Reads the JSON that models write for a call: <c>{"name": "weather", "arguments": {"city": "Bonn"}}</c>, or <c>parameters</c>.</summary>
internal static class CallJson
{
    /// <summary>Reads a text that is one call.</summary>
    /// <param name="text">The text; white space around it does no harm.</param>
    /// <param name="call">The call; null: it is none.</param>
    public static bool TryRead(string text, [NotNullWhen(true)] out ChatToolCall? call)
    {
        call = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            call = Read(document.RootElement);
        }
        catch (JsonException)
        {
            // A model may write anything.
        }

        return call is not null;
    }

    /// <summary>Reads a text that is an array of calls.</summary>
    /// <returns>The calls; empty: it is none, or has something else in it.</returns>
    public static IReadOnlyList<ChatToolCall> ReadArray(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                return [];
            }

            ChatToolCall?[] calls = [.. document.RootElement.EnumerateArray().Select(Read)];
            return calls.Contains(null) ? [] : [.. calls.OfType<ChatToolCall>()];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>Reads a text that is several calls, one after the other, with semicolons or white space between.</summary>
    /// <returns>The calls; empty: it is none, or has something else in it.</returns>
    public static IReadOnlyList<ChatToolCall> ReadSequence(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var calls = new List<ChatToolCall>();
        int at = 0;
        try
        {
            while (true)
            {
                while (at < utf8.Length && (" \t\r\n".Contains((char)utf8[at]) || (utf8[at] == ';' && calls.Count > 0)))
                {
                    at++;
                }

                if (at == utf8.Length)
                {
                    return calls;
                }

                var reader = new Utf8JsonReader(utf8.AsSpan(at), new JsonReaderOptions { AllowMultipleValues = true });
                reader.Read();
                using JsonDocument document = JsonDocument.ParseValue(ref reader);
                if (Read(document.RootElement) is not { } call)
                {
                    return [];
                }

                calls.Add(call);
                at += (int)reader.BytesConsumed;
            }
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>The arguments of a call, where they are an object, or a text that is one.</summary>
    public static string? Arguments(JsonElement arguments)
    {
        if (arguments.ValueKind == JsonValueKind.Object)
        {
            return arguments.GetRawText();
        }

        return arguments.ValueKind == JsonValueKind.String && IsObject(arguments.GetString()!) ? arguments.GetString() : null;
    }

    /// <summary>Whether a text is one JSON object.</summary>
    public static bool IsObject(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ChatToolCall? Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        bool isGiven = json.TryGetProperty("arguments", out JsonElement arguments) || json.TryGetProperty("parameters", out arguments);
        return isGiven && Arguments(arguments) is { } text ? new ChatToolCall(name.GetString()!, text) : null;
    }
}
