using System.Text.Json;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Tools">Tools that the model may call.</param>
/// <param name="OneCall">Whether it calls one at most.</param>
/// <param name="Variables">Further variables of the template.</param>
/// <param name="LogProbs">Alternatives that are told with each token; null: no probabilities.</param>
/// <param name="Sampling">How it is answered.</param>
internal sealed record ChatCall(
    IReadOnlyList<ChatTurn> Turns, IReadOnlyList<ChatTool> Tools, bool OneCall, IReadOnlyDictionary<string, object?> Variables, int? LogProbs, SamplingParameters Sampling)
{
    private const int MaxTopLogProbs = 20;
    private const int MaxTools = 128;

    /// <summary>Reads a request.</summary>
    /// <param name="parameters">Its body.</param>
    /// <param name="usual">What holds where it says nothing.</param>
    /// <exception cref="ApiException">A parameter is wrong.</exception>
    public static ChatCall Read(Parameters parameters, GenerationOptions usual)
    {
        parameters.Ignore("model");
        IReadOnlyList<ChatTurn> turns = ChatMessages.Read(parameters);
        IReadOnlyList<ChatTool> tools = ReadTools(parameters);
        bool oneCall = parameters.Boolean("parallel_tool_calls") == false;
        RefuseFormats(parameters);
        RefuseOthers(parameters);
        var call = new ChatCall(turns, tools, oneCall, ReadVariables(parameters), ReadLogProbs(parameters), SamplingParameters.Read(parameters, usual, int.MaxValue));
        parameters.EndHere();
        return call;
    }

    /// <summary>What is asked of the model.</summary>
    public ChatRequest Request(int choice) => new(Turns)
    {
        Tools = Tools,
        Variables = Variables,
        Options = Sampling.OptionsOf(choice),
        LogProbs = LogProbs,
        Mode = Sampling.Mode,
    };

    private static IReadOnlyList<ChatTool> ReadTools(Parameters parameters)
    {
        ChatTool[] tools = [.. parameters.List("tools", "objects", MaxTools).Select((item, i) => ReadTool(new(item, $"tools[{i}]")))];
        if (!parameters.TryGet("tool_choice", out JsonElement choice))
        {
            return tools;
        }

        if (tools.Length == 0)
        {
            throw ApiException.Invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
        }

        string word = choice.ValueKind == JsonValueKind.String
            ? Parameters.OneOf(choice.GetString()!, "tool_choice", "none", "auto", "required")
            : "required";
        return word switch
        {
            "auto" => tools,
            "none" => [],
            _ => throw ApiException.Invalid(
                "Unsupported value: 'tool_choice' does not support a call that has to be made with this model. Only 'auto' and 'none' are supported.", "tool_choice", "unsupported_value"),
        };
    }

    private static ChatTool ReadTool(Parameters tool)
    {
        _ = tool.Require("type");
        tool.Choice("type", "function");
        var function = new Parameters(tool.Require("function"), tool.PathOf("function"));
        _ = function.Require("name");
        string name = function.Text("name")!;
        string? description = function.Text("description");
        string schema = function.TryGet("parameters", out JsonElement parameters)
            ? parameters.ValueKind == JsonValueKind.Object ? parameters.GetRawText() : throw Parameters.WrongType(function.PathOf("parameters"), "an object", parameters)
            : """{"type": "object", "properties": {}}""";
        if (function.Boolean("strict") == true)
        {
            throw ApiException.Invalid(
                $"Unsupported value: '{function.PathOf("strict")}' does not support true with this model: nothing keeps its arguments to the schema.", function.PathOf("strict"), "unsupported_value");
        }

        function.EndHere();
        tool.EndHere();
        return new(name, description, schema);
    }

    /// <summary>Nothing makes the model write JSON, so nobody is told that it does.</summary>
    private static void RefuseFormats(Parameters parameters)
    {
        if (parameters.TryGet("response_format", out JsonElement value))
        {
            var format = new Parameters(value, "response_format");
            _ = format.Require("type");
            string type = format.Choice("type", "text", "json_object", "json_schema")!;
            if (type != "text")
            {
                throw ApiException.Invalid($"Invalid parameter: 'response_format' of type '{type}' is not supported with this model.", "response_format");
            }

            format.EndHere();
        }
    }

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
