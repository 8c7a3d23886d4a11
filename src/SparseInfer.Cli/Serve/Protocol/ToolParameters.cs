using System.Text.Json;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>Tools of a conversation, and whether they are called.</summary>
/// <param name="Tools">Tools that the model may call.</param>
/// <param name="IsRequired">Whether it has to.</param>
/// <param name="Required">Which one; null: any.</param>
/// <param name="IsOne">Whether it calls one at most.</param>
internal sealed record ToolParameters(IReadOnlyList<ChatTool> Tools, bool IsRequired, string? Required, bool IsOne)
{
    private const int MaxTools = 128;

    /// <summary>Reads <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>.</summary>
    /// <exception cref="ApiException">One is wrong.</exception>
    public static ToolParameters Read(Parameters parameters)
    {
        JsonElement[] given = parameters.List("tools", "objects", MaxTools);
        bool hasChoice = parameters.TryGet("tool_choice", out JsonElement choice);
        bool isOne = parameters.Boolean("parallel_tool_calls") == false;
        if (hasChoice && given.Length == 0)
        {
            throw ApiException.Invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
        }

        string? named = hasChoice && choice.ValueKind != JsonValueKind.String ? ReadName(new Parameters(choice, "tool_choice")) : null;
        string word = named is not null ? "required" : hasChoice ? Parameters.OneOf(choice.GetString()!, "tool_choice", "none", "auto", "required") : "auto";
        ChatTool[] tools = [.. given.Select((item, i) => ReadTool(new(item, $"tools[{i}]"), name => word == "required" && (named ?? name) == name))];
        if (named is not null && !tools.Any(tool => tool.Name == named))
        {
            throw ApiException.Invalid($"Invalid value for 'tool_choice': the function '{Parameters.Short(named)}' is not among 'tools'.", "tool_choice", "invalid_value");
        }

        return new(word == "none" ? [] : tools, word == "required", named, isOne);
    }

    private static string ReadName(Parameters choice)
    {
        _ = choice.Require("type");
        choice.Choice("type", "function");
        var function = new Parameters(choice.Require("function"), choice.PathOf("function"));
        _ = function.Require("name");
        string name = function.Text("name")!;
        function.EndHere();
        choice.EndHere();
        return name;
    }

    private static ChatTool ReadTool(Parameters tool, Func<string, bool> isRequired)
    {
        _ = tool.Require("type");
        tool.Choice("type", "function");
        var function = new Parameters(tool.Require("function"), tool.PathOf("function"));
        _ = function.Require("name");
        string name = function.Text("name")!;
        string? description = function.Text("description");
        string schema = """{"type": "object", "properties": {}}""";
        bool isStrict = function.Boolean("strict") == true;
        if (function.TryGet("parameters", out JsonElement parameters))
        {
            if (parameters.ValueKind != JsonValueKind.Object)
            {
                throw Parameters.WrongType(function.PathOf("parameters"), "an object", parameters);
            }

            schema = parameters.GetRawText();
            if (isStrict || isRequired(name))
            {
                AnswerForms.RequireSchema(name, parameters, function.PathOf("parameters"));
            }
        }

        function.EndHere();
        tool.EndHere();
        return new(name, description, schema) { IsStrict = isStrict };
    }
}
