using System.Text.Json;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Calls">Tools that the model may call, or has to.</param>
/// <param name="Variables">Further variables of the template.</param>
/// <param name="LogProbs">Alternatives that are told with each token; null: no probabilities.</param>
/// <param name="Sampling">How it is answered.</param>
internal sealed record ChatCall(
    IReadOnlyList<ChatTurn> Turns, ToolParameters Calls, IReadOnlyDictionary<string, object?> Variables, int? LogProbs, SamplingParameters Sampling)
{
    private const int MaxTopLogProbs = 20;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its body.</param>
    /// <param name="usual">What holds where it says nothing.</param>
    /// <exception cref="ApiException">A parameter is wrong.</exception>
    public static ChatCall Read(Parameters parameters, GenerationOptions usual)
    {
        parameters.Ignore("model");
        IReadOnlyList<ChatTurn> turns = ChatMessages.Read(parameters);
        ToolParameters calls = ToolParameters.Read(parameters);
        Grammar? form = AnswerForms.OfChat(parameters);
        RefuseOthers(parameters);
        SamplingParameters sampling = SamplingParameters.Read(parameters, usual with { Grammar = form }, int.MaxValue);
        var call = new ChatCall(turns, calls, ReadVariables(parameters), ReadLogProbs(parameters), sampling);
        parameters.EndHere();
        return call;
    }

    /// <summary>What is asked of the model.</summary>
    public ChatRequest Request(int choice) => new(Turns)
    {
        Tools = Calls.Tools,
        RequiresCall = Calls.IsRequired,
        RequiredTool = Calls.Required,
        CallsOnce = Calls.IsOne,
        Variables = Variables,
        Options = Sampling.OptionsOf(choice),
        LogProbs = LogProbs,
        Mode = Sampling.Mode,
    };

    private static void RefuseOthers(Parameters parameters)
    {
        parameters.Refuse("modalities", value => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String && item.ValueEquals("text")));
        parameters.Refuse("verbosity", value => value.ValueKind == JsonValueKind.String && value.ValueEquals("medium"));
        foreach (string name in (ReadOnlySpan<string>)["functions", "function_call", "audio", "prediction", "web_search_options"])
        {
            parameters.Refuse(name, _ => false);
        }
    }

    /// <summary>llama.cpp's <c>chat_template_kwargs</c>, and OpenAI's one variable of that kind.</summary>
    private static IReadOnlyDictionary<string, object?> ReadVariables(Parameters parameters)
    {
        var variables = new Dictionary<string, object?>();
        if (parameters.TryGet("chat_template_kwargs", out JsonElement value))
        {
            _ = new Parameters(value, "chat_template_kwargs");
            foreach (JsonProperty property in value.EnumerateObject())
            {
                if (property.Name is "messages" or "tools")
                {
                    throw ApiException.Invalid($"Invalid 'chat_template_kwargs': '{property.Name}' is a parameter of its own.", "chat_template_kwargs", "invalid_value");
                }

                variables[property.Name] = property.Value.Clone(); // the body is gone when the template is rendered
            }
        }

        if (parameters.Choice("reasoning_effort", "none", "minimal", "low", "medium", "high", "xhigh") is { } effort)
        {
            variables["reasoning_effort"] = effort;
        }

        return variables;
    }

    private static int? ReadLogProbs(Parameters parameters)
    {
        bool wanted = parameters.Boolean("logprobs") ?? false;
        int? top = (int?)parameters.Integer("top_logprobs", 0, MaxTopLogProbs);
        return wanted ? top ?? 0
            : top is null ? null
            : throw ApiException.Invalid("'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs");
    }
}
