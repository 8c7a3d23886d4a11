namespace SparseInfer.Cli.Serve.Http;

/// <summary>An answer that is an error, in the words and with the codes of OpenAI's service, so that its clients understand it.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="error">What the body says.</param>
internal sealed class ApiException(int status, ErrorBody error) : Exception(error.Message)
{
    public int Status { get; } = status;

    public ErrorBody Error { get; } = error;

    /// <summary>When it is worth while to try again; null: never, or nobody knows.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>Whether the connection is closed then: nothing more of the request is read.</summary>
    public bool Closes { get; private init; }

    /// <summary>
    /// What the log tells of it. Of a client's mistake that is which parameter, and what of it is wrong; not the message, which repeats what was sent.
    /// </summary>
    public string InLog => Status >= 500 ? Error.Message : Place is { Length: > 0 } place ? $"{Error.Code ?? Error.Type} {place}" : Error.Code ?? Error.Type;

    /// <summary>Where the mistake is, in names that are this server's.</summary>
    private string? Place { get => field ?? Error.Param; init; }

    /// <summary>The request is wrong.</summary>
    /// <param name="message">What, and what to change.</param>
    /// <param name="param">The parameter that is; null: none in particular.</param>
    /// <param name="code">A code for programs; null: there is none.</param>
    public static ApiException Invalid(string message, string? param = null, string? code = null) => new(400, new(message, "invalid_request_error", param, code));

    /// <summary>A parameter has a name that nobody knows.</summary>
    /// <param name="param">The parameter.</param>
    /// <param name="path">In which object; empty: in the body.</param>
    public static ApiException UnknownParameter(string param, string path) =>
        new(400, new($"Unknown parameter: '{param}'.", "invalid_request_error", param, "unknown_parameter")) { Place = path };

    public static ApiException NoKey() => new(401, new(
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        "invalid_request_error", null, null));

    /// <summary>The key is wrong. It is not repeated, whatever it is: it may be right somewhere else.</summary>
    public static ApiException WrongKey() => new(401, new("Incorrect API key provided.", "invalid_request_error", null, "invalid_api_key"));

    public static ApiException WrongHost() => new(403, new(
        "This server answers requests to localhost alone, because it has no API key: a page of another site could ask otherwise.", "invalid_request_error", null, "host_not_allowed"));

    public static ApiException NoSuchModel(string model) => new(404, new(
        $"The model `{model}` does not exist or you do not have access to it.", "invalid_request_error", null, "model_not_found"));

    public static ApiException UnknownUrl(string method, string path) => new(404, new(
        $"Unknown request URL: {method} {path}. Please check the URL for typos.", "invalid_request_error", null, "unknown_url"));

    public static ApiException WrongMethod(string method, string path) => new(405, new(
        $"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)", "invalid_request_error", null, "method_not_supported"));

    public static ApiException SlowBody() => new(408, new("Timed out while reading the request's body.", "invalid_request_error", null, "request_timeout"));

    public static ApiException BodyTooLarge(long limit) => new(413, new($"Maximum content size limit ({limit}) exceeded.", "invalid_request_error", null, "content_too_large"));

    public static ApiException WrongContentType(string? type) => new(415, new(
        $"Unsupported content type: '{type}'. This API method only accepts 'application/json' requests.", "invalid_request_error", null, "unsupported_content_type"));

    public static ApiException Busy(string message, TimeSpan retryAfter) => new(429, new(message, "requests", null, "rate_limit_exceeded")) { RetryAfter = retryAfter };

    public static ApiException Fault() => new(500, new("The server had an error while processing your request. Sorry about that!", "server_error", null, null));

    public static ApiException Unavailable(string message, TimeSpan? retryAfter = null) => new(503, new(message, "server_error", null, "unavailable")) { RetryAfter = retryAfter };

    /// <summary>The server is about to end: it waits for no body that comes slowly.</summary>
    public static ApiException Stopping() =>
        new(503, new("The server is shutting down.", "server_error", null, "unavailable")) { RetryAfter = TimeSpan.FromSeconds(5), Closes = true };

    public static ApiException TimedOut(TimeSpan limit) => new(504, new(
        FormattableString.Invariant($"Request timed out after {limit.TotalSeconds:0.###} seconds."), "server_error", null, "timeout"));
}

/// <summary>What is wrong with a request.</summary>
internal sealed record ErrorBody(string Message, string Type, string? Param, string? Code);

/// <summary>The body of an answer that is an error.</summary>
internal sealed record ErrorReply(ErrorBody Error);
