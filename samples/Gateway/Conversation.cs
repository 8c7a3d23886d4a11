using System.Text;
using System.Text.Json;

namespace Gateway;

/// <summary>
/// Which conversation a request belongs to: what its messages begin with, up to the first of the user. A server that has answered an earlier turn has
/// computed that beginning already. Clients need not send anything for it.
/// </summary>
internal static class Conversation
{
    private const int PromptCharacters = 256;
    private static readonly object Key = new();

    /// <summary>The conversation of a request that was read; null: none is known.</summary>
    public static string? Of(HttpContext context) => context.Items[Key] as string;

    /// <summary>Reads the request's body, which is kept in memory for a second server, and goes on.</summary>
    public static async Task Read(HttpContext context, Func<Task> next)
    {
        long limit = context.RequestServices.GetRequiredService<GatewayOptions>().MaxBody;
        context.Request.EnableBuffering((int)Math.Min(limit, int.MaxValue), limit);
        try
        {
            if (HttpMethods.IsPost(context.Request.Method))
            {
                context.Items[Key] = await ReadBeginning(context);
            }

            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted); // all of it is here before a server is asked
            context.Request.Body.Position = 0;
        }
        catch (BadHttpRequestException exception)
        {
            await GatewayError.Write(context, exception.StatusCode, exception.Message, "invalid_request_error", code: null);
            return;
        }

        await next();
    }

    private static async Task<string?> ReadBeginning(HttpContext context)
    {
        try
        {
            using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            return Beginning(body.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // no JSON, or texts in it that are no Unicode: a server says what is wrong
        }
    }

    private static string? Beginning(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (body.TryGetProperty("prompt", out JsonElement prompt))
        {
            string text = prompt.GetRawText();
            return text[..Math.Min(text.Length, PromptCharacters)];
        }

        if (!body.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var beginning = new StringBuilder();
        foreach (JsonElement message in messages.EnumerateArray())
        {
            beginning.Append(message.GetRawText()).Append('\n');
            if (message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out JsonElement role)
                && role.ValueKind == JsonValueKind.String && role.ValueEquals("user"))
            {
                break;
            }
        }

        return beginning.ToString();
    }
}
