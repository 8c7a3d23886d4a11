using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve;

/// <summary>A line for each request, on standard error. Neither keys nor what a body says are in it.</summary>
/// <param name="output">Where lines go.</param>
/// <param name="isJson">Whether a line is an object.</param>
internal sealed class RequestLog(TextWriter output, bool isJson)
{
    private readonly Lock _lock = new();

    /// <summary>Tells of a request that is over.</summary>
    public void Write(LogLine line)
    {
        string text = isJson ? JsonSerializer.Serialize(line, ReplyJson.Default.LogLine) : Text(line);
        WriteLine(text);
    }

    /// <summary>Tells something that somebody should know.</summary>
    public void Warn(string message)
    {
        string text = isJson ? JsonSerializer.Serialize(new LogLine { Time = Now(), Warning = message }, ReplyJson.Default.LogLine) : $"sparseinfer: warning: {Plain(message)}";
        WriteLine(text);
    }

    /// <summary>The time in a line.</summary>
    public static string Now() => DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private void WriteLine(string text)
    {
        lock (_lock)
        {
            try
            {
                output.WriteLine(text);
            }
            catch (IOException)
            {
                // Nobody reads the log any more: no reason to answer no more.
            }
        }
    }

    private static string Text(LogLine line)
    {
        string tokens = line is { PromptTokens: { } embedded, CompletionTokens: null } ? string.Create(CultureInfo.InvariantCulture, $", {embedded} prompt tokens")
            : line.PromptTokens is { } prompt ? string.Create(CultureInfo.InvariantCulture, $", {prompt} prompt tokens ({line.CachedTokens} cached), {line.CompletionTokens} generated, {line.TokensPerSecond:0.0} a second")
            : "";
        return string.Create(CultureInfo.InvariantCulture, $"{line.Time} {line.Method} {Plain(line.Path!)} {line.Status} {line.Milliseconds:0} ms{tokens}{(line.Error is { } error ? ": " + Plain(error) : "")}");
    }

    /// <summary>What clients send is no line end and nothing that a terminal obeys.</summary>
    private static string Plain(string text) => string.Concat(Parameters.Short(text, 300).Select(c => char.IsControl(c) ? ' ' : c));
}

/// <summary>What a line of the log tells. Properties' names, in snake case, are those of the output.</summary>
internal sealed record LogLine
{
    public required string Time { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Warning { get; init; }

    /// <summary>The header <c>x-request-id</c> of the answer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Request { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Method { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Path { get; init; }

    /// <summary>The HTTP status; 499: the client left before there was one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Status { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Milliseconds { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? PromptTokens { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CachedTokens { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CompletionTokens { get; init; }

    /// <summary>Of decoding, together with others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TokensPerSecond { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }
}
