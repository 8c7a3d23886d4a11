using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary>What the log will tell of a request.</summary>
internal sealed class RequestRecord
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private IReadOnlyList<ServiceReport>? _reports;
    private int? _embedded;

    /// <summary>What clients and the log call it.</summary>
    public string Id { get; } = "req_" + Guid.NewGuid().ToString("N");

    /// <summary>What went wrong; null: nothing.</summary>
    public string? Error { get; set; }

    /// <summary>A request's record, which it has from its beginning.</summary>
    public static RequestRecord Of(HttpContext context) => context.Features.Get<RequestRecord>()!;

    /// <summary>What its answers took.</summary>
    public void Tell(IReadOnlyList<ServiceReport> reports) => _reports = reports;

    /// <summary>Which texts were made vectors.</summary>
    public void Tell(IReadOnlyList<TextEmbedding> embeddings) => _embedded = embeddings.Sum(embedding => embedding.Tokens.Count);

    /// <summary>The line.</summary>
    public LogLine ToLine(HttpContext context)
    {
        double decode = _reports?.Sum(report => report.DecodeTime.TotalSeconds) ?? 0;
        int? generated = _reports?.Sum(report => report.CompletionTokens);
        return new()
        {
            Time = RequestLog.Now(),
            Request = Id,
            Method = context.Request.Method,
            Path = context.Request.Path.Value ?? "",
            Status = context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? 499 : context.Response.StatusCode,
            Milliseconds = Math.Round(Stopwatch.GetElapsedTime(_start).TotalMilliseconds, 1),
            PromptTokens = _embedded ?? _reports?.Sum(report => report.PromptTokens),
            CachedTokens = _reports?.Sum(report => report.CachedTokens),
            CompletionTokens = generated,
            TokensPerSecond = decode > 0 ? Math.Round(generated!.Value / decode, 1) : generated is null ? null : 0,
            Error = Error,
        };
    }
}
