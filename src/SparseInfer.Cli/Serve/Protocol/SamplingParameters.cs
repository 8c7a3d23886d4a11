using System.Text.Json;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>How a request wants its answer chosen: what chat and completions have in common.</summary>
/// <param name="Options">Length, sampling, stop strings.</param>
/// <param name="Mode">What is skipped; null: the server's.</param>
/// <param name="Count">Answers.</param>
/// <param name="IsStream">Whether they come as events.</param>
/// <param name="IncludeUsage">Whether the last event tells what it took.</param>
internal sealed record SamplingParameters(GenerationOptions Options, SparsityMode? Mode, int Count, bool IsStream, bool IncludeUsage)
{
    /// <summary>Answers of one request.</summary>
    public const int MaxCount = 128;

    private const int MaxStops = 16;

    /// <summary>What changes no answer.</summary>
    private static readonly string[] Harmless =
        ["user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "service_tier", "cache_prompt"];

    /// <summary>Reads what a request says.</summary>
    /// <param name="parameters">The request.</param>
    /// <param name="usual">What holds where it says nothing. Its <see cref="GenerationOptions.MaxTokens"/> is a limit.</param>
    /// <param name="maxTokens">Tokens of an answer whose request does not say.</param>
    /// <exception cref="ApiException">A parameter is wrong.</exception>
    public static SamplingParameters Read(Parameters parameters, GenerationOptions usual, int maxTokens)
    {
        parameters.Ignore(Harmless);
        parameters.Refuse("logit_bias", value => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());
        bool isStream = parameters.Boolean("stream") ?? false;
        GenerationOptions options = usual with
        {
            MaxTokens = ReadMaxTokens(parameters, usual.MaxTokens) ?? Math.Min(maxTokens, usual.MaxTokens),
            Temperature = parameters.Number("temperature", 0, 2) ?? usual.Temperature,
            TopP = parameters.Number("top_p", 0, 1) ?? usual.TopP,
            TopK = (int?)parameters.Integer("top_k", 0, int.MaxValue) ?? usual.TopK,
            MinP = parameters.Number("min_p", 0, 1) ?? usual.MinP,
            RepetitionPenalty = parameters.Number("repeat_penalty", 0.01, 100) ?? usual.RepetitionPenalty,
            RepetitionWindow = (int?)parameters.Integer("repeat_last_n", 0, GenerationOptions.MaximumRepetitionWindow) ?? usual.RepetitionWindow,
            FrequencyPenalty = parameters.Number("frequency_penalty", -2, 2) ?? usual.FrequencyPenalty,
            PresencePenalty = parameters.Number("presence_penalty", -2, 2) ?? usual.PresencePenalty,
            Seed = parameters.Integer("seed", long.MinValue, long.MaxValue) is { } seed ? unchecked((ulong)seed) : usual.Seed,
            StopStrings = [.. usual.StopStrings, .. ReadStops(parameters)],
            IgnoreEndOfSequence = parameters.Boolean("ignore_eos") ?? usual.IgnoreEndOfSequence,
        };
        return new(options, ReadMode(parameters), (int?)parameters.Integer("n", 1, MaxCount) ?? 1, isStream, ReadIncludeUsage(parameters, isStream));
    }

    /// <summary>The options of one of several answers: each has draws of its own, and the first those that it has alone.</summary>
    public GenerationOptions OptionsOf(int choice) => Options with { Seed = unchecked(Options.Seed + (ulong)choice) };

    /// <summary>The newer name of the two counts where both are given.</summary>
    private static int? ReadMaxTokens(Parameters parameters, int limit)
    {
        int? older = Read("max_tokens");
        return Read("max_completion_tokens") ?? older;

        int? Read(string name) => parameters.Integer(name, 1, int.MaxValue) is not { } count ? null
            : count <= limit ? (int)count
            : throw ApiException.Invalid($"{name} is too large: {count}. This model supports at most {limit} completion tokens, whereas you provided {count}.", name, "invalid_value");
    }

    private static IEnumerable<string> ReadStops(Parameters parameters)
    {
        if (!parameters.TryGet("stop", out JsonElement value))
        {
            return [];
        }

        string[] stops = value.ValueKind == JsonValueKind.String ? [value.GetString()!]
            : [.. parameters.List("stop", "strings", MaxStops).Select((item, i) => item.ValueKind == JsonValueKind.String
                ? item.GetString()! : throw Parameters.WrongType($"stop[{i}]", "a string", item))];
        return !stops.Contains("") ? stops : throw ApiException.Invalid(
            "Invalid 'stop': string too short. Expected a string with minimum length 1, but got an empty string instead.", "stop", "string_below_min_length");
    }

    private static SparsityMode? ReadMode(Parameters parameters) => parameters.Choice("sparsity_mode", "dense", "exact", "predicted") switch
    {
        "dense" => SparsityMode.Dense,
        "exact" => SparsityMode.Exact,
        "predicted" => SparsityMode.Predicted,
        _ => null,
    };

    private static bool ReadIncludeUsage(Parameters parameters, bool isStream)
    {
        if (!parameters.TryGet("stream_options", out JsonElement value))
        {
            return false;
        }

        if (!isStream)
        {
            throw ApiException.Invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
        }

        var options = new Parameters(value, "stream_options");
        bool includes = options.Boolean("include_usage") ?? false;
        options.Ignore("include_obfuscation"); // what it adds is no part of an answer
        options.EndHere();
        return includes;
    }
}
