using System.Buffers.Binary;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary><c>/v1/embeddings</c>: texts as vectors.</summary>
/// <param name="server">What all requests share.</param>
internal sealed class EmbeddingEndpoint(ServerContext server)
{
    /// <summary>Answers a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        ServedModel model = server.State.Model!;
        using var scope = new AnswerScope(context, server.State, server.Options.RequestTimeout);
        EmbeddingCall call;
        IReadOnlyList<TextEmbedding> embeddings;
        try
        {
            call = await server.Bodies.ReadAsync(
                context,
                parameters =>
                {
                    parameters.RequireModel(model.Name);
                    return EmbeddingCall.Read(parameters, model.Service, server.Options.Pooling);
                },
                scope.Token);
            embeddings = await model.Service.EmbedAsync(call.Request, scope.Token);
        }
        catch (Exception exception)
        {
            throw (exception is OperationCanceledException ? scope.Reason() : Faults.Of(exception, isChat: false)) ?? exception;
        }

        // A vector that JSON does not take is no fault of the client's.
        RequestRecord.Of(context).Tell(embeddings);
        try
        {
            await (call.IsBase64
                ? Sending.JsonAsync(context, 200, EmbeddingReply<byte>.Of(embeddings, model.Name, Bytes), ReplyJson.Default.EmbeddingReplyByte, server.Options.WriteTimeout, scope.Token)
                : Sending.JsonAsync(context, 200, EmbeddingReply<float>.Of(embeddings, model.Name, vector => vector), ReplyJson.Default.EmbeddingReplySingle, server.Options.WriteTimeout, scope.Token));
        }
        catch (OperationCanceledException exception)
        {
            throw scope.Reason() ?? (Exception)exception;
        }
    }

    private static ReadOnlyMemory<byte> Bytes(ReadOnlyMemory<float> vector)
    {
        byte[] bytes = new byte[vector.Length * sizeof(float)];
        for (int i = 0; i < vector.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector.Span[i]);
        }

        return bytes;
    }
}
