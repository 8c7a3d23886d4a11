namespace SparseInfer.Serving;

/// <summary>
/// A <see cref="ModelService"/> has as many requests as it takes, or a request waited too long. Nothing was done. A server answers it with status 429
/// and a <c>Retry-After</c>.
/// </summary>
/// <param name="message">How many there are, and what to change.</param>
/// <param name="retryAfter">When a place is likely to be free: an estimate from the answers before, at least a second.</param>
public sealed class ServiceBusyException(string message, TimeSpan retryAfter) : InvalidOperationException(message)
{
    /// <summary>When a place is likely to be free, from now on: at least a second, and at most a minute.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>A prompt and one token more do not fit in the service's context. A server answers it with status 400.</summary>
/// <param name="promptTokens">Tokens of the prompt.</param>
/// <param name="context">Most tokens of a sequence, prompt and answer together.</param>
public sealed class PromptTooLongException(int promptTokens, int context)
    : ArgumentException($"The prompt has {promptTokens} tokens, and the context holds {context}, the answer included. Shorten it, or ask for a longer ModelServiceOptions.Context.")
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; } = promptTokens;

    /// <summary>Most tokens of a sequence, prompt and answer together.</summary>
    public int Context { get; } = context;
}

/// <summary>A <see cref="ModelService"/> was stopped before the request, or before its answer ended. A server answers it with status 503.</summary>
/// <param name="message">Which of the two.</param>
public sealed class ServiceStoppedException(string message) : InvalidOperationException(message);
