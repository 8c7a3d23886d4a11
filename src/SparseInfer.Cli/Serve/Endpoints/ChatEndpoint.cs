using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary><c>/v1/chat/completions</c>.</summary>
internal sealed class ChatEndpoint(ServerContext server) : AnswerEndpoint(server)
{
    protected override bool IsChat => true;

    protected override AnswerWriter Read(Parameters parameters, ServedModel model)
    {
        var call = ChatCall.Read(parameters, Server.Options.Generation);
        if (model.Service.ChatTemplate is null)
        {
            throw Faults.NoTemplate(model.Name);
        }

        return call.Calls.IsRequired && model.Service.CallFormat == ToolCallFormat.None ? throw Faults.NoCalls() : new ChatWriter(call, model);
    }
}
