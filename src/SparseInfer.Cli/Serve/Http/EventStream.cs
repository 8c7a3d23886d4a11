using System.IO.Pipelines;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>An answer as server-sent events.</summary>
/// <param name="context">The request.</param>
/// <param name="timeout">How long the client may take to read what was written.</param>
internal sealed class EventStream(HttpContext context, TimeSpan timeout)
{
    private readonly PipeWriter _output = context.Response.BodyWriter;

    /// <summary>Says that events come. From now on there is no other status.</summary>
    public void Begin()
    {
        HttpResponse response = context.Response;
        response.StatusCode = 200;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";

        // A proxy that gathers an answer before it passes it on would make a stream of it no more.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Writes an event, to be sent with the next <see cref="FlushAsync"/>.</summary>
    public void Write<T>(T value, JsonTypeInfo<T> type)
    {
        Write("data: "u8);
        ReplyJson.Write(_output, value, type);
        Write("\n\n"u8);
    }

    /// <summary>Writes the event that ends the stream.</summary>
    public void WriteDone() => Write("data: [DONE]\n\n"u8);

    /// <summary>Sends what was written.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperationCanceledException">The client has left, or does not read: then its connection is closed.</exception>
    public Task FlushAsync(CancellationToken cancellationToken) => Sending.FlushAsync(context, timeout, cancellationToken);

    private void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_output.GetSpan(text.Length));
        _output.Advance(text.Length);
    }
}
