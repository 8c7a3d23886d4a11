using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>What conversations and texts have in common: a request is read, answered whole or in events, counted, and its faults told.</summary>
/// <param name="server">What all requests share.</param>
internal abstract class AnswerEndpoint(ServerContext server)
{
    protected ServerContext Server => server;

    /// <summary>Whether a conversation is answered.</summary>
    protected abstract bool IsChat { get; }

    /// <summary>Answers a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        ServedModel model = server.State.Model!;
        using var scope = new AnswerScope(context, server.State, server.Options.RequestTimeout);
        EventStream? events = null;
        try
        {
            AnswerWriter writer = await server.Bodies.ReadAsync(
                context,
                parameters =>
                {
                    parameters.RequireModel(model.Name);
                    return Read(parameters, model);
                },
                scope.Token);

            // Once for all its answers: from here on nothing refuses it.
            using ServicePlaces places = model.Service.TakePlaces(writer.Count, Answers.AtATime);
            await using var pieces = new PieceReader(writer, places, scope.Token);

            // What is wrong with a request shows before its first piece: an error has a status of its own then.
            bool isMore = await pieces.MoveNextAsync();
            if (writer.IsStream)
            {
                events = new EventStream(context, server.Options.WriteTimeout);
                events.Begin();
                writer.WriteBegin(events);
            }

            while (isMore)
            {
                writer.Take(pieces.Current, events);
                if (pieces.Current.Piece.Report is { } report)
                {
                    server.Metrics.Answered(report);
                }

                if (events is not null && !pieces.IsNextThere)
                {
                    await events.FlushAsync(scope.Token);
                }

                isMore = await pieces.MoveNextAsync();
            }

            RequestRecord.Of(context).Tell(writer.Reports);
            if (events is null)
            {
                await writer.SendAsync(context, server.Options.WriteTimeout, scope.Token);
                return;
            }

            writer.WriteEnd(events);
            events.WriteDone();
            await events.FlushAsync(scope.Token);
        }
        catch (Exception exception)
        {
            ApiException? error = exception is OperationCanceledException ? scope.Reason() : Faults.Of(exception, IsChat);
            if (error is null && (events is null || exception is OperationCanceledException))
            {
                throw;
            }

            if (events is null)
            {
                throw error!;
            }

            await EndAsync(context, events, error ?? server.Report(context, exception));
        }
    }

    /// <summary>Reads a request. Nothing of its JSON is kept.</summary>
    /// <exception cref="ApiException">It is wrong.</exception>
    protected abstract AnswerWriter Read(Parameters parameters, ServedModel model);

    /// <summary>An answer that has begun has its status: an error is its last event.</summary>
    private static async Task EndAsync(HttpContext context, EventStream events, ApiException error)
    {
        RequestRecord.Of(context).Error ??= error.InLog;
        events.Write(new ErrorReply(error.Error), ReplyJson.Default.ErrorReply);
        await events.FlushAsync(context.RequestAborted);
    }
}
