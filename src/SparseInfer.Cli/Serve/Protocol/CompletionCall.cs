using System.Text.Json;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>A request to <c>/v1/completions</c>.</summary>
/// <param name="Prompts">What is gone on with.</param>
/// <param name="LogProbs">Alternatives that are told with each token; null: no probabilities.</param>
/// <param name="Echo">Whether an answer begins with its prompt.</param>
/// <param name="Sampling">How it is answered.</param>
internal sealed record CompletionCall(IReadOnlyList<CompletionPrompt> Prompts, int? LogProbs, bool Echo, SamplingParameters Sampling)
{
    /// <summary>OpenAI's, where a request does not say.</summary>
    private const int UsualTokens = 16;

    private const int MaxLogProbs = 5;

    /// <summary>All answers together.</summary>
    public int Count => Prompts.Count * Sampling.Count;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its body.</param>
    /// <param name="usual">What holds where it says nothing.</param>
    /// <param name="vocabulary">Token ids are below that.</param>
    /// <param name="context">Most tokens of a request, prompt and answer together.</param>
    /// <exception cref="ApiException">A parameter is wrong.</exception>
    /// <exception cref="PromptTooLongException">A list of tokens does not fit.</exception>
    public static CompletionCall Read(Parameters parameters, GenerationOptions usual, int vocabulary, int context)
    {
        parameters.Ignore("model");
        IReadOnlyList<CompletionPrompt> prompts = CompletionPrompt.Read(parameters, vocabulary, context);
        int? logProbs = (int?)parameters.Integer("logprobs", 0, MaxLogProbs);
        bool echo = parameters.Boolean("echo") ?? false;
        if (echo && logProbs is not null)
        {
            throw ApiException.Invalid("Unsupported parameter: 'echo' with 'logprobs' is not supported by this server: a prompt's probabilities are not told.", "echo", "unsupported_parameter");
        }

        parameters.Refuse("suffix", value => value.ValueKind == JsonValueKind.String && value.ValueEquals(""));
        SamplingParameters sampling = SamplingParameters.Read(parameters, usual with { Grammar = AnswerForms.OfText(parameters) }, UsualTokens);
        parameters.Refuse("best_of", value => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int best) && best == sampling.Count);
        parameters.EndHere();
        var call = new CompletionCall(prompts, logProbs, echo, sampling);
        return call.Count <= SamplingParameters.MaxCount ? call : throw ApiException.Invalid(
            $"Invalid 'n': {prompts.Count} prompts with {sampling.Count} completions each are more than {SamplingParameters.MaxCount}.", "n", "integer_above_max_value");
    }

    /// <summary>The prompt of one of the answers.</summary>
    public CompletionPrompt PromptOf(int choice) => Prompts[choice / Sampling.Count];

    /// <summary>What is asked of the model.</summary>
    public CompletionRequest Request(int choice) => PromptOf(choice).Request() with
    {
        Options = Sampling.OptionsOf(choice % Sampling.Count),
        LogProbs = LogProbs,
        Mode = Sampling.Mode,
    };
}

/// <summary>What is gone on with: a text, or tokens.</summary>
internal sealed record CompletionPrompt(string? Text, int[]? Tokens)
{
    /// <summary>Prompts of one request: each has an answer at least.</summary>
    private const int MaxPrompts = SamplingParameters.MaxCount;

    /// <summary>A request's text, texts, tokens, or several lists of tokens.</summary>
    /// <exception cref="ApiException">It is missing, or none of these.</exception>
    /// <exception cref="PromptTooLongException">A list of tokens does not fit.</exception>
    public static IReadOnlyList<CompletionPrompt> Read(Parameters parameters, int vocabulary, int context)
    {
        JsonElement value = parameters.Require("prompt");
        if (value.ValueKind != JsonValueKind.Array || (value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Number))
        {
            return [Of(value, "prompt", vocabulary, context)];
        }

        JsonElement[] prompts = parameters.List("prompt", "strings", MaxPrompts);
        return prompts.Length > 0
            ? [.. prompts.Select((prompt, i) => Of(prompt, $"prompt[{i}]", vocabulary, context))]
            : throw ApiException.Invalid("Invalid 'prompt': empty array. Expected an array with minimum length 1, but got an empty array instead.", "prompt", "empty_array");
    }

    public CompletionRequest Request() => Text is { } text ? new(text) : new(Tokens!);

    private static CompletionPrompt Of(JsonElement value, string path, int vocabulary, int context) => value.ValueKind switch
    {
        JsonValueKind.String => new(value.GetString(), null),
        JsonValueKind.Array when value.GetArrayLength() is var length && length >= context => throw new PromptTooLongException(length, context),
        JsonValueKind.Array => new(null, TokenIds([.. value.EnumerateArray()], path, vocabulary)),
        _ => throw Parameters.WrongType(path, "one of a string, array of strings, array of integers, or array of integer arrays", value),
    };

    /// <summary>Tokens' ids.</summary>
    /// <exception cref="ApiException">One is none of the vocabulary.</exception>
    public static int[] TokenIds(JsonElement[] values, string path, int vocabulary)
    {
        var tokens = new int[values.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            JsonElement value = values[i];
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out tokens[i]) || tokens[i] < 0 || tokens[i] >= vocabulary)
            {
                path = $"{path}[{i}]";
                throw value.ValueKind != JsonValueKind.Number
                    ? Parameters.WrongType(path, "an integer", value)
                    : ApiException.Invalid($"Invalid '{path}': {Parameters.Short(value.GetRawText())} is no token; this model has 0 to {vocabulary - 1}.", path, "invalid_value");
            }
        }

        return tokens;
    }
}
