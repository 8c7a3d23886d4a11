using SparseInfer.Cli.Serve.Protocol;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary><c>/v1/completions</c>.</summary>
internal sealed class CompletionEndpoint(ServerContext server) : AnswerEndpoint(server)
{
    protected override bool IsChat => false;

    protected override AnswerWriter Read(Parameters parameters, ServedModel model) =>
        new CompletionWriter(CompletionCall.Read(parameters, Server.Options.Generation, model.Tokenizer.VocabularySize, model.Service.Context), model);
}
