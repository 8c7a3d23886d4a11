using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>How the server is, and which model it has.</summary>
/// <param name="server">What all requests share.</param>
internal sealed class StatusEndpoints(ServerContext server)
{
    /// <summary><c>/health</c>: whether the process is worth keeping.</summary>
    public Task HealthAsync(HttpContext context) => server.State.Fault is { } fault ? SendAsync(context, 503, new("error", fault)) : SendAsync(context, 200, new("ok"));

    /// <summary><c>/ready</c>: whether a request would be taken.</summary>
    public Task ReadyAsync(HttpContext context) => server.State switch
    {
        { Fault: { } fault } => SendAsync(context, 503, new("error", fault)),
        { Phase: ServerPhase.Ready } => SendAsync(context, 200, new("ready")),
        { Phase: ServerPhase.Loading } => SendAsync(context, 503, new("loading")),
        _ => SendAsync(context, 503, new("stopping")),
    };

    /// <summary><c>/v1/models</c>.</summary>
    public Task ModelsAsync(HttpContext context) =>
        Sending.JsonAsync(context, 200, new ModelsReply("list", [Describe()]), ReplyJson.Default.ModelsReply, server.Options.WriteTimeout, context.RequestAborted);

    /// <summary><c>/v1/models/NAME</c>.</summary>
    public Task ModelAsync(HttpContext context)
    {
        // A path's escapes are read, but for this one: clients send it where a name has a slash.
        string name = ((string?)context.Request.RouteValues["name"] ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return name == server.State.Model!.Name
            ? Sending.JsonAsync(context, 200, Describe(), ReplyJson.Default.ModelReply, server.Options.WriteTimeout, context.RequestAborted)
            : throw ApiException.NoSuchModel(Parameters.Short(name));
    }

    private ModelReply Describe()
    {
        ServedModel model = server.State.Model!;
        return new(model.Name, "model", model.Created, "sparseinfer", new(model.Tokenizer.VocabularySize, model.Service.Context, model.Model.Shape.Context, model.Model.Shape.Hidden));
    }

    private Task SendAsync(HttpContext context, int status, StatusReply reply) =>
        Sending.JsonAsync(context, status, reply, ReplyJson.Default.StatusReply, server.Options.WriteTimeout, context.RequestAborted);
}
