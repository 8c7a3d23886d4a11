using Microsoft.Extensions.AI;
using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI.Tests;

/// <summary>Structured output, and calls that have to be made.</summary>
public sealed class FormTests
{
    private static readonly ChatTemplate Template = ChatTemplate.Parse(
        "{# <think></think> #}{%- for m in messages %}[{{ m.role }}]{{ m.content or '' }}\n{% endfor -%}[assistant]");

    private static ModelServiceOptions Options => new() { ChatTemplate = Template, ToolCallFormat = ToolCallFormat.Tags };

    [Fact]
    public void Types_that_have_others_inside_have_schemas_that_answers_can_be_kept_to()
    {
        Grammar grammar = Grammar.FromJsonSchema(AIJsonUtilities.CreateJsonSchema(typeof(Person)));

        grammar.Matches("""{"name":"Ada","work":null,"friends":[{"name":"Bob","work":{"city":"Ulm"},"friends":null,"boss":null,"ages":{"x":1},"site":null}],"boss":null,"ages":null,"site":"https://example.org/"}""")
            .ShouldBeTrue();
        grammar.Matches("""{"name":"Ada","work":1,"friends":null,"boss":null,"ages":null,"site":null}""").ShouldBeFalse();
    }

    private sealed record Address(string City);

    private sealed record Person(string Name, Address? Work, List<Person>? Friends, Person? Boss, Dictionary<string, int>? Ages, Uri? Site);

    [Fact]
    public async Task Structured_output_is_what_a_type_is_read_from()
    {
        using ScriptedModel model = ScriptedModel.Load(prompt => prompt.Contains("wrong")
            ? """{"name":"Bonn","days":"two"} And that is all."""
            : """<think>Hm, {"a".</think>{"name":"Bonn","days":2} And that is all.""");
        using SparseInferChatClient client = model.AsChatClient(Options, defaults: new GenerationOptions { Temperature = 0 });

        ChatResponse<Trip> right = await client.GetResponseAsync<Trip>("Where to?");
        right.Result.ShouldBe(new Trip("Bonn", 2));
        right.FinishReason.ShouldBe(ChatFinishReason.Stop);
        right.Messages.Single().Contents.OfType<TextReasoningContent>().Select(content => content.Text).Aggregate(string.Concat).ShouldBe("Hm, {\"a\".");
        (await client.GetResponseAsync<Trip>("Go wrong.")).Result.Name.ShouldBe("Bonn");
        (await client.GetResponseAsync("Where to?", new ChatOptions { ResponseFormat = ChatResponseFormat.Json })).Text.ShouldBe("""{"name":"Bonn","days":2}""");
        (await client.GetResponseAsync("Where to?")).Text.ShouldEndWith("And that is all.");
    }

    [Fact]
    public async Task A_call_that_is_required_is_made_and_one_alone_where_one_is_allowed()
    {
        const string Call = """<tool_call>{"name":"weather","arguments":{"city":"Bonn"}}</tool_call>""";
        using ScriptedModel model = ScriptedModel.Load(prompt => prompt.Contains("other") ? Call.Replace("weather", "weathes", StringComparison.Ordinal) : Call + Call);
        using SparseInferChatClient client = model.AsChatClient(Options, defaults: new GenerationOptions { Temperature = 0 });
        AITool weather = AIFunctionFactory.Create((string city) => "sunny", "weather", "Tells the weather.");
        var options = new ChatOptions { Tools = [weather], ToolMode = ChatToolMode.RequireSpecific("weather") };

        (await CallsAsync("Say other.", options)).ShouldBe(["weather"]);
        (await CallsAsync("Twice.", options)).ShouldBe(["weather", "weather"]);
        options.ToolMode = ChatToolMode.RequireAny;
        options.AllowMultipleToolCalls = false;
        (await CallsAsync("Twice.", options)).ShouldBe(["weather"]);
        options.ToolMode = ChatToolMode.Auto;
        (await CallsAsync("Twice.", options)).ShouldBe(["weather"]);
        options.ToolMode = ChatToolMode.RequireSpecific("none");
        (await Should.ThrowAsync<ArgumentException>(async () => await client.GetResponseAsync("Twice.", options))).Message.ShouldContain("'none'");

        async Task<string[]> CallsAsync(string text, ChatOptions asked)
        {
            ChatResponse response = await client.GetResponseAsync(text, asked);
            response.Text.ShouldBe("");
            return [.. response.Messages.Single().Contents.OfType<FunctionCallContent>().Select(call => call.Name)];
        }
    }

    private sealed record Trip(string Name, int Days);
}
