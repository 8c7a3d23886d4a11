namespace Gateway;

/// <summary>A server is full or stops: it said so, and is in order. Another one may take the request.</summary>
/// <param name="status">Its status, 429 or 503.</param>
/// <param name="retryAfter">When it wants to be asked again; null: it does not say.</param>
internal sealed class ServerBusyException(int status, string? retryAfter) : HttpRequestException($"The server answers {status}; another may take the request.")
{
    public int Status => status;

    public string? RetryAfter => retryAfter;
}
