namespace SparseInfer.Serving;

/// <summary>What a <see cref="ModelService"/> counts. Safe for several threads.</summary>
internal sealed class ServiceTotals
{
    private long _requests;
    private long _refused;
    private long _answered;
    private long _canceled;
    private long _failed;
    private long _promptTokens;
    private long _cachedTokens;
    private long _generatedTokens;
    private long _promptTicks;
    private long _decodeTicks;

    public void Took() => Interlocked.Increment(ref _requests);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void Answered() => Interlocked.Increment(ref _answered);

    public void Canceled() => Interlocked.Increment(ref _canceled);

    public void Failed() => Interlocked.Increment(ref _failed);

    public void Began(int promptTokens, int cachedTokens)
    {
        Interlocked.Add(ref _promptTokens, promptTokens);
        Interlocked.Add(ref _cachedTokens, cachedTokens);
    }

    public void Generated(int tokens) => Interlocked.Add(ref _generatedTokens, tokens);

    public void Ended(TimeSpan prompt, TimeSpan decode)
    {
        Interlocked.Add(ref _promptTicks, prompt.Ticks);
        Interlocked.Add(ref _decodeTicks, decode.Ticks);
    }

    public ServiceCounts Read() => new()
    {
        Requests = Interlocked.Read(ref _requests),
        Refused = Interlocked.Read(ref _refused),
        Answered = Interlocked.Read(ref _answered),
        Canceled = Interlocked.Read(ref _canceled),
        Failed = Interlocked.Read(ref _failed),
        PromptTokens = Interlocked.Read(ref _promptTokens),
        CachedTokens = Interlocked.Read(ref _cachedTokens),
        GeneratedTokens = Interlocked.Read(ref _generatedTokens),
        PromptTime = new TimeSpan(Interlocked.Read(ref _promptTicks)),
        DecodeTime = new TimeSpan(Interlocked.Read(ref _decodeTicks)),
    };
}
