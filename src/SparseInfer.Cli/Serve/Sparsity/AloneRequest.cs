using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>A request whose answer somebody looks into: that of a conversation or of a text, read by the same rules.</summary>
/// <param name="Model">The model.</param>
/// <param name="Prompt">The prompt's tokens.</param>
/// <param name="Options">How tokens are chosen. The seed is there, so that every mode has the same draws.</param>
/// <param name="Mode">What is skipped.</param>
internal sealed record AloneRequest(ServedModel Model, int[] Prompt, GenerationOptions Options, SparsityMode Mode)
{
    /// <summary>A script reads numbers below this exactly.</summary>
    private const long SeedLimit = 1L << 53;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its body.</param>
    /// <param name="isChat">Whether it is a conversation.</param>
    /// <param name="model">The model.</param>
    /// <param name="options">What holds where it says nothing.</param>
    /// <param name="maxTokens">Most tokens of an answer.</param>
    /// <exception cref="ApiException">It is wrong.</exception>
    /// <exception cref="PromptTooLongException">The prompt does not fit.</exception>
    public static AloneRequest Read(Parameters parameters, bool isChat, ServedModel model, ServeOptions options, int maxTokens)
    {
        ServiceRequest request;
        if (isChat)
        {
            var call = ChatCall.Read(parameters, options.Generation);
            RequireOne(call.Sampling.Count, call.Tools.Count > 0, call.LogProbs);
            request = model.Service.ChatTemplate is null ? throw Faults.NoTemplate(model.Name) : call.Request(0);
        }
        else
        {
            var call = CompletionCall.Read(parameters, options.Generation, model.Tokenizer.VocabularySize, model.Service.Context);
            RequireOne(call.Count, call.Echo, call.LogProbs);
            request = call.Request(0);
        }

        int[] prompt = model.Service.Encode(request);
        if (prompt.Length == 0)
        {
            throw ApiException.Invalid("The prompt is empty: give some text.", isChat ? "messages" : "prompt");
        }

        if (prompt.Length >= model.Service.Context)
        {
            throw new PromptTooLongException(prompt.Length, model.Service.Context);
        }

        GenerationOptions sampling = request.Options;
        return new(model, prompt, sampling with
        {
            MaxTokens = Math.Min(sampling.MaxTokens, maxTokens),
            Seed = sampling.Seed ?? (ulong)Random.Shared.NextInt64(SeedLimit),
        }, request.Mode ?? options.Mode);
    }

    /// <summary>How many answers the server computes beside this one.</summary>
    public int Running() => Model.Service.ReadCounts().Running;

    /// <summary>A session that answers it in a mode.</summary>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public AloneSession Open(SparsityMode mode) => new(Model.Service, Prompt, Options, mode);

    private static void RequireOne(int answers, bool hasMore, int? logProbs)
    {
        if (answers != 1 || hasMore || logProbs is not null)
        {
            throw ApiException.Invalid("An answer that is looked into is one, without tools, 'echo' and probabilities.");
        }
    }
}
