using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve;

/// <summary>What all requests share.</summary>
/// <param name="Options">What the server was asked for.</param>
/// <param name="State">The model, and how far the server is.</param>
/// <param name="Metrics">What is counted.</param>
/// <param name="Log">Where requests are told of.</param>
internal sealed record ServerContext(ServeOptions Options, ServerState State, ServerMetrics Metrics, RequestLog Log)
{
    /// <summary>What reads bodies.</summary>
    public RequestBodies Bodies { get; } = new(Options.MaxBody, new BodyBudget(Math.Max(Options.MaxBody, Options.MaxBodies)), State.Stopping);

    /// <summary>Tells of a fault that is no client's, in the log; the client is told that there was one, and no more.</summary>
    public ApiException Report(HttpContext context, Exception exception)
    {
        RequestRecord.Of(context).Error = $"{exception.GetType().Name}: {exception.Message}";
        if (exception is DeviceLostException)
        {
            State.Fail(exception.Message);
        }

        return ApiException.Fault();
    }
}
