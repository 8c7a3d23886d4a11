using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using SparseInfer.Files;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>A conversation as the variables of a template.</summary>
internal sealed class ChatVariables
{
    private readonly ChatForm _form;

    private ChatVariables(ChatForm form) => _form = form;

    public Dictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);

    /// <summary>What could be given in another form.</summary>
    public ChatForm Forms { get; private set; }

    public static ChatVariables Of(IReadOnlyList<ChatTurn> turns, ChatTemplateOptions options, ChatForm form)
    {
        var variables = new ChatVariables(form);
        variables.Items["messages"] = new ListValue([.. turns.Select(variables.Message)]);
        variables.Items["add_generation_prompt"] = options.AddGenerationPrompt;
        variables.Items["documents"] = null;
        variables.Items["tools"] = options.Tools.Count > 0 ? new ListValue([.. options.Tools.Select(Tool)]) : null;
        foreach ((string name, object? value) in options.Variables)
        {
            variables.Items[name] = value switch
            {
                null or bool or long or double => value,
                int number => (long)number,
                string text => new TemplateText(text, outside: true),
                JsonElement json => Value(json),
                _ => throw new ArgumentException($"ChatTemplateOptions.Variables: '{name}' is a {value.GetType().Name}; it must be null, bool, int, long, double, string or JsonElement."),
            };
        }

        return variables;
    }

    public static ChatVariables Of(JsonElement conversation, ChatForm form)
    {
        if (conversation.ValueKind != JsonValueKind.Object
            || !conversation.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array)
        {
            throw new ArgumentException("A conversation must be a JSON object with an array 'messages'.", nameof(conversation));
        }

        var variables = new ChatVariables(form);
        variables.Items["add_generation_prompt"] = true;
        variables.Items["tools"] = null;
        variables.Items["documents"] = null;
        foreach (JsonProperty property in conversation.EnumerateObject())
        {
            variables.Items[property.Name] = property.Name == "messages"
                ? new ListValue([.. messages.EnumerateArray().Select(variables.Message)])
                : Value(property.Value);
        }

        return variables;
    }

    private DictValue Message(ChatTurn turn)
    {
        var message = new DictValue { ["role"] = Role(turn.Role), ["content"] = turn.Content is null ? NoContent() : TextOrNone(turn.Content) };
        Add(message, "reasoning_content", turn.Reasoning);
        if (turn.ToolCalls.Count > 0)
        {
            message["tool_calls"] = new ListValue([.. turn.ToolCalls.Select(ToolCall)]);
        }

        Add(message, "tool_call_id", turn.ToolCallId);
        Add(message, "name", turn.Name);
        return message;
    }

    private object? Message(JsonElement json)
    {
        if (Value(json) is not DictValue message)
        {
            return Value(json);
        }

        if (message.TryGet("role", out object? role) && role is TemplateText text)
        {
            message["role"] = Role(text.Value);
        }

        if (message.TryGet("content", out object? content) && content is null)
        {
            message["content"] = NoContent();
        }

        if (message.TryGet("tool_calls", out object? calls) && calls is ListValue list)
        {
            foreach (DictValue call in list.Items.OfType<DictValue>())
            {
                if (call.TryGet("function", out object? function) && function is DictValue called && called.TryGet("arguments", out object? arguments))
                {
                    called["arguments"] = arguments is TemplateText written ? Arguments(written.Value) : arguments is DictValue ? Arguments(arguments) : arguments;
                }
            }
        }

        return message;
    }

    private TemplateText? NoContent()
    {
        Forms |= ChatForm.EmptyContent;
        return _form.HasFlag(ChatForm.EmptyContent) ? TemplateText.Empty : null;
    }

    private DictValue ToolCall(ChatToolCall call)
    {
        JsonElement arguments = Json(call.Arguments, $"The arguments of the call of '{call.Name}'");
        var made = new DictValue();
        Add(made, "id", call.Id);
        made["type"] = new TemplateText("function");
        made["function"] = new DictValue { ["name"] = TextOrNone(call.Name), ["arguments"] = Arguments(Value(arguments)) };
        return made;
    }

    private static DictValue Tool(ChatTool tool)
    {
        var function = new DictValue { ["name"] = TextOrNone(tool.Name) };
        Add(function, "description", tool.Description);
        function["parameters"] = Value(Json(tool.Parameters, $"The parameters of the tool '{tool.Name}'"));
        return new DictValue { ["type"] = new TemplateText("function"), ["function"] = function };
    }

    /// <summary>Arguments as JSON text, as OpenAI's interface has them: the object, where they are one.</summary>
    private object? Arguments(string written)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(written);
            return document.RootElement.ValueKind == JsonValueKind.Object && JsonText.IsUnicode(Encoding.UTF8.GetBytes(written)) ? Arguments(Value(document.RootElement)) : new TemplateText(written, outside: true);
        }
        catch (JsonException)
        {
            return new TemplateText(written, outside: true); // as a model may have written them
        }
    }

    private object? Arguments(object? value)
    {
        Forms |= ChatForm.ArgumentsAsText;
        return _form.HasFlag(ChatForm.ArgumentsAsText) ? Filters.All["tojson"].Call(new Rendering(() => default, new Budget()), value, CallArguments.Of()) : value;
    }

    /// <summary>
    /// A role. Templates make control tokens of roles (<c>&lt;|user|&gt;</c>), so a role that is a plain word counts as theirs.
    /// </summary>
    private static TemplateText Role(string role) =>
        new(role, outside: !role.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-'));

    private static TemplateText? TextOrNone(string? text) => text is null ? null : new TemplateText(text, outside: true);

    private static void Add(DictValue dict, string key, string? text)
    {
        if (text is not null)
        {
            dict[key] = TextOrNone(text);
        }
    }

    private static JsonElement Json(string text, string what)
    {
        try
        {
            return JsonText.IsUnicode(Encoding.UTF8.GetBytes(text)) ? JsonElement.Parse(text) : throw new ArgumentException($"{what} must be JSON whose strings are Unicode: half a surrogate pair is in them.");
        }
        catch (JsonException wrong)
        {
            throw new ArgumentException($"{what} must be JSON: {wrong.Message}", wrong);
        }
    }

    private static object? Value(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            case JsonValueKind.String:
                return new TemplateText(json.GetString()!, outside: true);
            case JsonValueKind.Number:
                string digits = json.GetRawText();
                return digits.AsSpan().IndexOfAny(".eE") >= 0 ? json.GetDouble()
                    : digits.Length <= Budget.MaxBits / 4 ? Numbers.FromWhole(BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
                    : throw new ArgumentException("A conversation has a number that is too long.");
            case JsonValueKind.Array:
                return new ListValue([.. json.EnumerateArray().Select(Value)]);
            case JsonValueKind.Object:
                var dict = new DictValue();
                foreach (JsonProperty property in json.EnumerateObject())
                {
                    dict.Items[new TemplateText(property.Name, outside: true)] = Value(property.Value);
                }

                return dict;
            default:
                return null;
        }
    }
}
