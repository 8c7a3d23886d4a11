using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>What a call asks for, as a request to the service.</summary>
internal static class ChatRequests
{
    private const string Known = "mode, min_p, repetition_penalty, repetition_window, time_limit and chat_template_kwargs";

    /// <exception cref="NotSupportedException">The client cannot do what is asked for.</exception>
    /// <exception cref="ArgumentException">An option has a value that it cannot have.</exception>
    public static ChatRequest Of(
        IEnumerable<ChatMessage> messages, ChatOptions? options, GenerationOptions defaults, ModelService service, string modelId, IChatClient client)
    {
        if (options is null)
        {
            return new ChatRequest(ChatTurns.Of(messages, instructions: null)) { Options = defaults };
        }

        Refuse(options, modelId);
        var request = new ChatRequest(ChatTurns.Of(messages, options.Instructions))
        {
            Options = Sampling(options, Raw(options, client) ?? defaults, service),
            Tools = options.ToolMode is NoneChatToolMode ? [] : [.. (options.Tools ?? []).Select(Tool)],
            RequiresCall = options.ToolMode is RequiredChatToolMode,
            RequiredTool = (options.ToolMode as RequiredChatToolMode)?.RequiredFunctionName,
            CallsOnce = options.AllowMultipleToolCalls == false,
        };
        foreach ((string name, object? value) in options.AdditionalProperties ?? [])
        {
            request = With(request, name, value);
        }

        return request;
    }

    private static GenerationOptions? Raw(ChatOptions options, IChatClient client) => options.RawRepresentationFactory?.Invoke(client) switch
    {
        null => null,
        GenerationOptions own => own,
        var other => throw new ArgumentException($"ChatOptions.RawRepresentationFactory gives {other.GetType().Name}; the client takes {nameof(GenerationOptions)}."),
    };

    private static void Refuse(ChatOptions options, string modelId)
    {
        if (options.ModelId is { } wanted && wanted != modelId)
        {
            throw new ArgumentException($"ChatOptions.ModelId is '{wanted}', and this client has the model '{modelId}' alone. Leave it null.", nameof(options));
        }

        string? refused = options switch
        {
            { ResponseFormat: not (null or ChatResponseFormatText or ChatResponseFormatJson) } => "ResponseFormat other than text and JSON",
            { ToolMode: RequiredChatToolMode, Tools: null or { Count: 0 } } => "ToolMode that requires a call, and there are no Tools",
            { ConversationId: not null } => "ConversationId: the client keeps no conversation. Give all messages each time; what they have in common is not computed again",
#pragma warning disable MEAI001 // An experiment of the abstractions: whoever uses it has to hear that it is not here.
            { ContinuationToken: not null } => "ContinuationToken: an answer that was left is not kept. Ask again, with the same seed",
#pragma warning restore MEAI001
            { Reasoning: not null } => "Reasoning: templates have variables of their own for it. Put them into AdditionalProperties[\"chat_template_kwargs\"], such as enable_thinking",
            _ => null,
        };
        if (refused is not null)
        {
            throw new NotSupportedException($"ChatOptions.{refused}.");
        }
    }

    private static GenerationOptions Sampling(ChatOptions options, GenerationOptions defaults, ModelService service)
    {
        bool penalizes = options.FrequencyPenalty is not (null or 0) || options.PresencePenalty is not (null or 0);
        return defaults with
        {
            Temperature = Exact(options.Temperature) ?? defaults.Temperature,
            TopP = Exact(options.TopP) ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            MaxTokens = options.MaxOutputTokens ?? defaults.MaxTokens,
            FrequencyPenalty = Exact(options.FrequencyPenalty) ?? defaults.FrequencyPenalty,
            PresencePenalty = Exact(options.PresencePenalty) ?? defaults.PresencePenalty,

            // These two are about the whole text, not the last tokens.
            RepetitionWindow = penalizes ? Math.Max(service.Context, defaults.RepetitionWindow) : defaults.RepetitionWindow,
            Grammar = Form(options.ResponseFormat) ?? defaults.Grammar,
            StopStrings = options.StopSequences is { Count: > 0 } stop ? [.. stop] : defaults.StopStrings,
            Seed = options.Seed is { } seed ? unchecked((ulong)seed) : defaults.Seed,
        };
    }

    /// <summary>The decimal that was written: 0.1f is 0.1, not 0.10000000149.</summary>
    private static double? Exact(float? value) =>
        value is { } number ? double.Parse(number.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;

    private static ChatTool Tool(AITool tool) => tool is AIFunctionDeclaration function
        ? new ChatTool(function.Name, function.Description, function.JsonSchema.GetRawText()) { IsStrict = IsStrict(function) }
        : throw new NotSupportedException($"ChatOptions.Tools has {tool.GetType().Name}, which a service runs: the model can call functions (AIFunctionFactory.Create) only.");

    /// <summary>The name that other clients of the library have for it.</summary>
    private static bool IsStrict(AITool tool) => tool.AdditionalProperties.TryGetValue("strict", out object? strict) && strict is true or JsonElement { ValueKind: JsonValueKind.True };

    private static Grammar? Form(ChatResponseFormat? format) => format is not ChatResponseFormatJson json ? null
        : json.Schema is { } schema ? Grammar.FromJsonSchema(schema)
        : Grammar.JsonObject;

    private static int Whole(string name, double value) => value == (int)value
        ? (int)value
        : throw new ArgumentException($"ChatOptions.AdditionalProperties[\"{name}\"] is {value.ToString(CultureInfo.InvariantCulture)}, and takes a whole number.");

    private static ChatRequest With(ChatRequest request, string name, object? value)
    {
        GenerationOptions options = request.Options;
        return name switch
        {
            "mode" => request with { Mode = Mode(value) },
            "min_p" => request with { Options = options with { MinP = Number(name, value) } },
            "repetition_penalty" => request with { Options = options with { RepetitionPenalty = Number(name, value) } },
            "repetition_window" => request with { Options = options with { RepetitionWindow = Whole(name, Number(name, value)) } },
            "time_limit" => request with { TimeLimit = value is TimeSpan limit ? limit : TimeSpan.FromSeconds(Number(name, value)) },
            "chat_template_kwargs" => request with { Variables = Variables(value) },
            _ => throw new ArgumentException($"ChatOptions.AdditionalProperties has '{name}', which the client does not know. It knows {Known}."),
        };
    }

    private static SparsityMode Mode(object? value) =>
        value is SparsityMode mode ? mode
        : (value as string ?? (value is JsonElement { ValueKind: JsonValueKind.String } json ? json.GetString() : null)) is { } text
            && Enum.TryParse(text, ignoreCase: true, out mode) && Enum.IsDefined(mode) ? mode
        : throw Wrong("mode", value, "dense, exact or predicted");

    private static double Number(string name, object? value) => value switch
    {
        JsonElement { ValueKind: JsonValueKind.Number } json => json.GetDouble(),
        float number => Exact(number)!.Value,
        double or decimal or int or long => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        _ => throw Wrong(name, value, "a number"),
    };

    private static IReadOnlyDictionary<string, object?> Variables(object? value) => value switch
    {
        IEnumerable<KeyValuePair<string, object?>> variables => variables.ToDictionary(),
        JsonElement { ValueKind: JsonValueKind.Object } json => json.EnumerateObject().ToDictionary(property => property.Name, object? (property) => property.Value),
        _ => throw Wrong("chat_template_kwargs", value, "a dictionary of the template's variables"),
    };

    private static ArgumentException Wrong(string name, object? value, string wanted) =>
        new($"ChatOptions.AdditionalProperties[\"{name}\"] is '{value}', and must be {wanted}.");
}
