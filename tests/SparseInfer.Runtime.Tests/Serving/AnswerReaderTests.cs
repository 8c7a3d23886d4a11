using SparseInfer.Serving;

namespace SparseInfer.Runtime.Tests.Serving;

/// <summary>What models write that call tools, as published templates show it to them, however the text is cut.</summary>
public sealed class AnswerReaderTests
{
    /// <summary>Format, answer, and what its reader gets: text, and calls as <c>«name arguments»</c>.</summary>
    public static TheoryData<ToolCallFormat, string, string> Answers => new()
    {
        { ToolCallFormat.None, "<tool_call>{}</tool_call>", "<tool_call>{}</tool_call>" },

        // Hermes, Qwen
        { ToolCallFormat.Tags, "It is 5 < 6, <tool> and\n\n<b>.\n", "It is 5 < 6, <tool> and\n\n<b>.\n" },
        { ToolCallFormat.Tags, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bonn\"}}\n</tool_call>", "«weather {\"city\": \"Bonn\"}»" },
        {
            ToolCallFormat.Tags,
            "I look.\n\n<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call>\n<tool_call>{\"arguments\": \"{\\\"x\\\": 1}\", \"name\": \"b\"}</tool_call>\n",
            "I look.«a {}»«b {\"x\": 1}»"
        },
        { ToolCallFormat.Tags, "<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call> Done.", "«a {}» Done." },
        { ToolCallFormat.Tags, "<tool_call>{\"name\": \"a\", \"arguments\": {}}", "«a {}»" },
        { ToolCallFormat.Tags, "<tool_call>{\"name\": \"a\", \"arguments\": {", "<tool_call>{\"name\": \"a\", \"arguments\": {" },
        { ToolCallFormat.Tags, "x <tool_call>no json</tool_call> y", "x<tool_call>no json</tool_call> y" },
        { ToolCallFormat.Tags, "<tool_call>[1]</tool_call><tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>", "<tool_call>[1]</tool_call><tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>" },
        { ToolCallFormat.Tags, "ends with <tool_ca", "ends with <tool_ca" },

        // Llama 3.1
        { ToolCallFormat.Json, "{\"name\": \"weather\", \"parameters\": {\"city\": \"Köln\"}}", "«weather {\"city\": \"Köln\"}»" },
        { ToolCallFormat.Json, " <|python_tag|>{\"type\": \"function\", \"name\": \"a\", \"parameters\": {}}; {\"name\": \"b\", \"parameters\": {}}", "«a {}»«b {}»" },
        { ToolCallFormat.Json, "{\"city\": \"Bonn\"}", "{\"city\": \"Bonn\"}" },
        { ToolCallFormat.Json, "{\"name\": \"a\", \"parameters\": {}} and more", "{\"name\": \"a\", \"parameters\": {}} and more" },
        { ToolCallFormat.Json, "The answer is {\"name\": \"a\", \"parameters\": {}}", "The answer is {\"name\": \"a\", \"parameters\": {}}" },
        { ToolCallFormat.Json, "<|python", "<|python" },
        { ToolCallFormat.Json, "", "" },

        // Mistral
        { ToolCallFormat.Mistral, "[TOOL_CALLS] [{\"name\": \"a\", \"arguments\": {\"x\": [1]}}, {\"name\": \"b\", \"arguments\": {}}]", "«a {\"x\": [1]}»«b {}»" },
        { ToolCallFormat.Mistral, "Wait. [TOOL_CALLS]a[ARGS]{\"x\": 1}[TOOL_CALLS]b[CALL_ID]012345678[ARGS]{}", "Wait.«a {\"x\": 1}»«b {}»" },
        { ToolCallFormat.Mistral, "[TOOL_CALLS] [{\"name\": \"a\"", "[TOOL_CALLS] [{\"name\": \"a\"" },
        { ToolCallFormat.Mistral, "[1] and [TOOL", "[1] and [TOOL" },
        { ToolCallFormat.Mistral, "[TOOL_CALLS]", "[TOOL_CALLS]" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Calls_are_found_however_the_answer_is_cut(ToolCallFormat format, string answer, string expected)
    {
        Read(format, [answer]).ShouldBe(expected);
        Read(format, answer.Select(character => character.ToString())).ShouldBe(expected);
        for (int cut = 1; cut < answer.Length; cut++)
        {
            Read(format, [answer[..cut], answer[cut..]]).ShouldBe(expected, $"cut at {cut}");
        }
    }

    [Fact]
    public void Text_that_begins_no_call_is_handed_out_at_once()
    {
        var parts = new List<AnswerPart>();
        AnswerReader reader = AnswerReader.Of(ToolCallFormat.Tags);
        reader.Append("5 <", parts);
        reader.Append(" 6 ", parts);
        parts.Select(part => part.Text).ShouldBe(["5", " < 6"]);
    }

    [Theory]
    [InlineData("qwen2.5.jinja", ToolCallFormat.Tags)]
    [InlineData("qwen3.jinja", ToolCallFormat.Tags)]
    [InlineData("mistral-nemo.jinja", ToolCallFormat.Mistral)]
    [InlineData("mistral-small-3.2.jinja", ToolCallFormat.Mistral)]
    [InlineData("phi-3.5.jinja", ToolCallFormat.None)]
    public void A_template_tells_how_its_model_calls(string file, ToolCallFormat expected) =>
        ToolCallFormats.Of(ChatTemplate.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "chat-templates", file)))).ShouldBe(expected);

    [Fact]
    public void Llamas_template_tells_it_in_words() =>
        ToolCallFormats.Of(ChatTemplate.Parse(
            "{{- 'Respond in the format {\"name\": function name, \"parameters\": dictionary of argument name and its value}.' }}")).ShouldBe(ToolCallFormat.Json);

    private static string Read(ToolCallFormat format, IEnumerable<string> pieces)
    {
        var parts = new List<AnswerPart>();
        AnswerReader reader = AnswerReader.Of(format);
        foreach (string piece in pieces)
        {
            reader.Append(piece, parts);
        }

        reader.Flush(parts);
        parts.ShouldAllBe(part => part.Call != null || part.Text.Length > 0);
        return string.Concat(parts.Select(part => part.Call is { } call ? $"«{call.Name} {call.Arguments}»" : part.Text));
    }
}
