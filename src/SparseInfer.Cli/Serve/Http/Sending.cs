using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>Answers that are one JSON text.</summary>
internal static class Sending
{
    /// <summary>Errors are short: who does not read one in this time reads nothing.</summary>
    private static readonly TimeSpan ErrorTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Sends an answer.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="value">The body.</param>
    /// <param name="type">How it is written.</param>
    /// <param name="timeout">How long the client may take to read each part of it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task JsonAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var body = new ReplyBytes();
        ReplyJson.Write(body, value, type);
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        while (body.MoveTo(response.BodyWriter))
        {
            await FlushAsync(context, timeout, cancellationToken);
        }
    }

    /// <summary>Sends an error, with what its status asks for beside it.</summary>
    public static Task ErrorAsync(HttpContext context, ApiException error)
    {
        if (error.Status == 401)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        if (error.RetryAfter is { } time)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        if (error.Closes)
        {
            context.Response.Headers.Connection = "close";
        }

        return JsonAsync(context, error.Status, new ErrorReply(error.Error), ReplyJson.Default.ErrorReply, ErrorTimeout, context.RequestAborted);
    }

    /// <summary>Sends what was written to a response.</summary>
    /// <exception cref="OperationCanceledException">The client has left, or does not read: then its connection is closed.</exception>
    public static async Task FlushAsync(HttpContext context, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> flush = context.Response.BodyWriter.FlushAsync(cancellationToken);
        if (!flush.IsCompletedSuccessfully)
        {
            try
            {
                await flush.AsTask().WaitAsync(timeout, cancellationToken);
            }
            catch (TimeoutException)
            {
                context.Abort();
                throw new OperationCanceledException("The client does not read its answer.");
            }
        }
    }
}
