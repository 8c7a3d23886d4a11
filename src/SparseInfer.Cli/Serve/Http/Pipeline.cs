using Microsoft.AspNetCore.Http;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>What every request passes: the gate, then its endpoint; errors become answers, and a line of the log tells of it.</summary>
/// <param name="server">What all requests share.</param>
internal sealed class Pipeline(ServerContext server)
{
    private readonly Gate _gate = new(server);

    /// <summary>Answers a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Its endpoint.</param>
    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var record = new RequestRecord();
        context.Features.Set(record);
        context.Response.Headers["x-request-id"] = record.Id;
        try
        {
            _gate.Check(context);
            await next(context);
            if (!context.Response.HasStarted && context.Response.StatusCode is 404 or 405)
            {
                throw context.Response.StatusCode == 404
                    ? ApiException.UnknownUrl(context.Request.Method, context.Request.Path)
                    : ApiException.WrongMethod(context.Request.Method, context.Request.Path);
            }
        }
        catch (Exception exception)
        {
            await FailAsync(context, record, exception);
        }
        finally
        {
            if (!IsLook(context))
            {
                server.Log.Write(record.ToLine(context));
            }
        }
    }

    /// <summary>Probes and meters ask every few seconds: a log of theirs would hide the rest.</summary>
    private static bool IsLook(HttpContext context) => Gate.Open.Contains(context.Request.Path) || (context.Request.Path == Gate.Metrics && context.Response.StatusCode == 200);

    private async Task FailAsync(HttpContext context, RequestRecord record, Exception exception)
    {
        if (exception is OperationCanceledException || context.RequestAborted.IsCancellationRequested)
        {
            record.Error ??= "the client has left, or does not read";
            context.Abort();
            return;
        }

        ApiException error = exception as ApiException ?? server.Report(context, exception);
        record.Error ??= error.InLog;
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        try
        {
            await Sending.ErrorAsync(context, error);
        }
        catch (OperationCanceledException)
        {
            // Who has left is told nothing.
        }
    }
}
