using System.Text.Json.Serialization;

namespace Gateway;

/// <summary>An error as OpenAI's service writes it, so that its clients understand the gateway's own.</summary>
internal sealed record GatewayError([property: JsonPropertyName("error")] GatewayError.Body Error)
{
    public static GatewayError Of(string message, string type, string? code) => new(new Body(message, type, null, code));

    /// <summary>Answers a request with an error.</summary>
    public static Task Write(HttpContext context, int status, string message, string type, string? code)
    {
        context.Response.Clear();
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(Of(message, type, code));
    }

    internal sealed record Body(
        [property: JsonPropertyName("message")] string Message,
        [property: JsonPropertyName("type")] string Type,
        [property: JsonPropertyName("param")] string? Parameter,
        [property: JsonPropertyName("code")] string? Code);
}
