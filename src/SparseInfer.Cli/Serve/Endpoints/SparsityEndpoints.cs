using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Cli.Serve.Sparsity;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>
/// What the page shows of a model's inside. <c>/sparsity</c> answers with a map of each token, <c>/sparsity/modes</c> measures the three modes side by side. Both are
/// computed apart from the batch of the other requests, one such request at a time.
/// </summary>
/// <param name="server">What all requests share.</param>
internal sealed class SparsityEndpoints(ServerContext server)
{
    /// <summary>Most tokens of an answer with a map.</summary>
    public const int MaxMapped = 1024;

    /// <summary>Most tokens of each mode.</summary>
    public const int MaxCompared = 128;

    private static readonly TimeSpan SoonEnough = TimeSpan.FromSeconds(5);

    private int _taken;

    /// <summary>What a page needs to know before it asks.</summary>
    public Task FactsAsync(HttpContext context)
    {
        ServedModel model = server.State.Model!;
        ModelShape shape = model.Model.Shape;
        var blocks = NeuronBlocks.Of(shape);
        GenerationOptions usual = server.Options.Generation;
        var facts = new SparsityFacts(
            model.Name, model.Service.ChatTemplate is not null, model.Service.Context, Word(server.Options.Mode), model.Model.Device.Description,
            WhyNoMap(model),
            blocks.Neurons, blocks.Count, [.. Enumerable.Range(0, shape.Layers).Select(shape.PolicyOf)], MaxMapped, MaxCompared,
            new(usual.Temperature, usual.TopP, usual.MaxTokens == int.MaxValue ? null : usual.MaxTokens));
        return Sending.JsonAsync(context, 200, facts, SparsityJson.Default.SparsityFacts, server.Options.WriteTimeout, context.RequestAborted);
    }

    /// <summary>An answer, and what was computed for each of its tokens.</summary>
    public Task MapAsync(HttpContext context) => HandleAsync(context, MaxMapped, async (request, events, cancellationToken) =>
    {
        if (WhyNoMap(request.Model) is { } why)
        {
            throw ApiException.Invalid(why);
        }

        using AloneSession session = request.Open(request.Mode);
        await foreach (MapPiece piece in new MappedAnswer(request.Model.Model, request.Running).RunAsync(session, request.Mode, cancellationToken))
        {
            await SendAsync(events, piece, SparsityJson.Default.MapPiece, cancellationToken);
        }

        ServiceReport report = session.Report!;
        await SendAsync(events, new MapEnd(report.PromptTokens, report.CompletionTokens, report.Seed), SparsityJson.Default.MapEnd, cancellationToken);
        return [report];
    });

    /// <summary>One prompt in each mode.</summary>
    public Task ModesAsync(HttpContext context) => HandleAsync(context, MaxCompared, async (request, events, cancellationToken) =>
    {
        var sessions = new List<(SparsityMode Mode, AloneSession Session)>();
        try
        {
            foreach (SparsityMode mode in (SparsityMode[])[SparsityMode.Dense, SparsityMode.Exact, SparsityMode.Predicted])
            {
                sessions.Add((mode, request.Open(mode)));
            }

            await foreach (ModeProgress progress in new ModeComparison(request.Running).RunAsync(sessions, cancellationToken))
            {
                await SendAsync(events, progress, SparsityJson.Default.ModeProgress, cancellationToken);
            }

            return [.. sessions.Select(pair => pair.Session.Report!)];
        }
        finally
        {
            sessions.ForEach(pair => pair.Session.Dispose());
        }
    });

    private static string? WhyNoMap(ServedModel model) => model.Model.Device is CpuDevice ? null
        : $"No map: {model.Model.Device.Description} does not show which neurons it computes. Start the server with --device cpu to see them.";

    private static string Word(SparsityMode mode) => mode.ToString().ToLowerInvariant();

    private static Task SendAsync<T>(EventStream events, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        events.Write(value, type);
        return events.FlushAsync(cancellationToken);
    }

    private async Task HandleAsync(HttpContext context, int maxTokens, Func<AloneRequest, EventStream, CancellationToken, Task<IReadOnlyList<ServiceReport>>> answer)
    {
        ServedModel model = server.State.Model!;
        using var scope = new AnswerScope(context, server.State, server.Options.RequestTimeout);

        // It is for looking at: it ends with the server, and nobody waits for it.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(scope.Token, server.State.Stopping);
        EventStream? events = null;
        bool isChat = false;
        bool isTaken = false;
        try
        {
            AloneRequest request = await server.Bodies.ReadAsync(
                context,
                parameters =>
                {
                    parameters.RequireModel(model.Name);
                    isChat = parameters.TryGet("messages", out _);
                    return AloneRequest.Read(parameters, isChat, model, server.Options, maxTokens);
                },
                ended.Token);
            isTaken = Interlocked.Exchange(ref _taken, 1) == 0;
            if (!isTaken)
            {
                throw ApiException.Busy("The server already shows somebody the inside of an answer, and does so for one request at a time.", SoonEnough);
            }

            events = new EventStream(context, server.Options.WriteTimeout);
            events.Begin();
            IReadOnlyList<ServiceReport> reports = await answer(request, events, ended.Token);
            RequestRecord.Of(context).Tell(reports);
            foreach (ServiceReport report in reports)
            {
                server.Metrics.Answered(report);
            }

            events.WriteDone();
            await events.FlushAsync(scope.Token);
        }
        catch (Exception exception)
        {
            ApiException? error = exception is OperationCanceledException
                ? scope.Reason() ?? (server.State.Stopping.IsCancellationRequested ? ApiException.Stopping() : null)
                : Faults.Of(exception, isChat);
            if (exception is OperationCanceledException && (error is null || context.RequestAborted.IsCancellationRequested))
            {
                RequestRecord.Of(context).Error = "the client has left, or does not read";
                context.Abort();
                return;
            }

            if (events is null || !context.Response.HasStarted)
            {
                throw error ?? exception;
            }

            error ??= server.Report(context, exception);
            RequestRecord.Of(context).Error ??= error.InLog;
            events.Write(new ErrorReply(error.Error), ReplyJson.Default.ErrorReply);
            await events.FlushAsync(context.RequestAborted);
        }
        finally
        {
            if (isTaken)
            {
                Volatile.Write(ref _taken, 0);
            }
        }
    }
}
