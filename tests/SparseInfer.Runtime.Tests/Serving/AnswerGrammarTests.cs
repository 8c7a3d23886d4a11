using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Runtime.Tests.Serving;

/// <summary>What answers may be where calls, a form and thoughts come together.</summary>
public sealed class AnswerGrammarTests
{
    private static readonly ChatTool Weather = new("weather", null, """{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"]}""");
    private static readonly ChatTool Time = new("time", null, """{"type":"object","properties":{}}""");
    private static readonly Grammar Form = Grammar.Parse("root ::= \"yes\" | \"no\"");

    [Theory]
    [InlineData(ToolCallFormat.Tags, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"days\": 2}}\n</tool_call>", "\n<tool_call>{\"name\":\"time\",\"arguments\":{}}</tool_call>")]
    [InlineData(ToolCallFormat.Json, "{\"name\": \"weather\", \"parameters\": {\"days\": 2}}", "; {\"name\":\"time\",\"parameters\":{}}")]
    [InlineData(ToolCallFormat.Mistral, "[TOOL_CALLS]weather[ARGS]{\"days\": 2}", "[TOOL_CALLS]time[ARGS]{}")]
    public void Calls_that_are_required_are_what_the_reader_takes(ToolCallFormat format, string one, string other)
    {
        Grammar any = Of(new([]) { Tools = [Weather, Time], RequiresCall = true }, format);
        any.Matches(one).ShouldBeTrue();
        any.Matches(one + other).ShouldBeTrue();
        any.Matches("").ShouldBeFalse();
        any.Matches("I look. " + one).ShouldBeFalse();
        any.Matches(one.Replace("2", "\"two\"", StringComparison.Ordinal)).ShouldBeFalse();

        Of(new([]) { Tools = [Weather, Time], RequiresCall = true, CallsOnce = true }, format).Matches(one + other).ShouldBeFalse();
        Grammar named = Of(new([]) { Tools = [Weather, Time], RequiresCall = true, RequiredTool = "weather" }, format);
        named.Matches(one).ShouldBeTrue();
        named.Matches(one + other).ShouldBeFalse();

        List<AnswerPart> parts = [];
        AnswerReader reader = AnswerReader.Of(format);
        reader.Append(one + other, parts);
        reader.Flush(parts);
        parts.Select(part => part.Call?.Name).ShouldBe(["weather", "time"]);
    }

    [Theory]
    [InlineData(ToolCallFormat.Tags, "<tool_call>{\"name\":\"weather\",\"arguments\":{\"days\":2}}</tool_call>", "I look. <tool <tool_")]
    [InlineData(ToolCallFormat.Json, "{\"name\":\"weather\",\"parameters\":{\"days\":2}}", "No {braces} first")]
    [InlineData(ToolCallFormat.Mistral, "[TOOL_CALLS] [{\"name\":\"weather\",\"arguments\":{\"days\":2}}]", "I [TOOL [TOOL_")]
    public void Of_strict_tools_text_is_free_and_arguments_are_not(ToolCallFormat format, string call, string text)
    {
        var request = new ChatRequest([]) { Tools = [Weather with { IsStrict = true }, Time] };
        Grammar grammar = Of(request, format);
        grammar.Matches(text).ShouldBeTrue();
        grammar.Matches("").ShouldBeTrue();
        grammar.Matches(call).ShouldBeTrue();
        grammar.Matches($"{text} {call}").ShouldBeTrue();
        grammar.Matches(call.Replace("2", "null", StringComparison.Ordinal)).ShouldBeFalse();

        // With a form, an answer is that form or calls.
        Grammar either = Of(request with { Options = new() { Grammar = Form } }, format);
        either.Matches("yes").ShouldBeTrue();
        either.Matches(call).ShouldBeTrue();
        either.Matches(text).ShouldBeFalse();
    }

    [Fact]
    public void Text_that_the_reader_takes_for_a_call_is_a_call()
    {
        Grammar grammar = Of(new([]) { Tools = [Weather with { IsStrict = true }], CallsOnce = true }, ToolCallFormat.Json);

        grammar.Matches("<|python_tag|>{\"name\":\"weather\",\"parameters\":{\"days\":2}}").ShouldBeTrue();
        grammar.Matches("<|python_tag|>{\"name\":\"weather\",\"parameters\":{}}").ShouldBeFalse();
        grammar.Matches("\u00A0{\"name\":\"weather\",\"parameters\":{}}").ShouldBeFalse();
        grammar.Matches(" <|python_tag>").ShouldBeTrue();
        grammar.Matches("<|python").ShouldBeTrue();
        grammar.Matches("<|python_tag|>print").ShouldBeFalse();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("""{"description":"d"}""")]
    public void Arguments_are_an_object_where_a_schema_says_nothing(string parameters)
    {
        Grammar grammar = Of(new([]) { Tools = [new("f", null, parameters)], RequiresCall = true }, ToolCallFormat.Json);

        grammar.Matches("{\"name\":\"f\",\"parameters\":{\"a\":1}}").ShouldBeTrue();
        grammar.Matches("{\"name\":\"f\",\"parameters\":1}").ShouldBeFalse();
    }

    [Fact]
    public void Thoughts_come_first_and_are_apart()
    {
        var request = new ChatRequest([]) { Options = new() { Grammar = Form } };
        AnswerGrammar.Of(request, ToolCallFormat.Tags, Thinking.None).ShouldBeSameAs(Form);
        Grammar opened = AnswerGrammar.Of(request, ToolCallFormat.Tags, Thinking.Does);
        opened.Matches("Is it? </thin </think>\n\nyes").ShouldBeTrue();
        opened.Matches("yes").ShouldBeFalse();
        Grammar may = AnswerGrammar.Of(request, ToolCallFormat.Tags, Thinking.May);
        may.Matches("no").ShouldBeTrue();
        may.Matches("<think>Hm.</think>no").ShouldBeTrue();
        may.Matches("Hm.</think>no").ShouldBeFalse();

        Read(Thinking.Does, "Is it? </thin </think>\n\nyes").ShouldBe(("Is it? </thin", "yes"));
        Read(Thinking.May, "<think>\nHm.\n</think>\nno").ShouldBe(("\nHm.", "no"));
        Read(Thinking.May, "<thinker").ShouldBe(("", "<thinker"));
        Read(Thinking.Does, "never ends </th").ShouldBe(("never ends </th", ""));

        static (string, string) Read(Thinking thinking, string text)
        {
            List<AnswerPart> parts = [];
            var reader = new ThoughtReader(AnswerReader.Of(ToolCallFormat.None), thinking);
            foreach (char letter in text)
            {
                reader.Append($"{letter}", parts);
            }

            reader.Flush(parts);
            return (string.Concat(parts.Select(part => part.Reasoning)), string.Concat(parts.Select(part => part.Text)));
        }
    }

    [Fact]
    public void What_cannot_be_called_is_refused()
    {
        Should.Throw<NotSupportedException>(() => Of(new([]) { Tools = [Time], RequiresCall = true }, ToolCallFormat.None)).Message.ShouldContain("ToolCallFormat");
        Should.Throw<ArgumentException>(() => Of(new([]) { Tools = [Time], RequiresCall = true, RequiredTool = "x" }, ToolCallFormat.Tags)).Message.ShouldContain("'x'");
        Should.Throw<ArgumentException>(() => Of(new([]) { RequiresCall = true }, ToolCallFormat.Tags)).Message.ShouldContain("give Tools");
        Should.Throw<FormatException>(() => Of(new([]) { Tools = [new("f", null, """{"type":["object","null"]}""") { IsStrict = true }] }, ToolCallFormat.Tags)).Message.ShouldContain("'type': 'object'");
        Should.Throw<FormatException>(() => Of(new([]) { Tools = [new("f", null, """{"not":{}}""") { IsStrict = true }] }, ToolCallFormat.Tags)).Message.ShouldContain("'f'");
    }

    [Fact]
    public void An_end_tag_in_a_string_ends_no_call()
    {
        List<AnswerPart> parts = [];
        AnswerReader reader = AnswerReader.Of(ToolCallFormat.Tags);
        reader.Append("""<tool_call>{"name":"say","arguments":{"text":"\"</tool_call>"}}</tool_call>""", parts);
        parts.ShouldHaveSingleItem().Call!.Arguments.ShouldBe("""{"text":"\"</tool_call>"}""");
        parts.Clear();
        reader.Append("""<tool_call>{"name":"say}</tool_call><tool_call>{"name":"say","arguments":{}}</tool_call>""", parts);
        reader.Flush(parts);
        parts[^1].Call!.Name.ShouldBe("say");
    }

    private static Grammar Of(ChatRequest request, ToolCallFormat format) => AnswerGrammar.Of(request, format, Thinking.None);
}
