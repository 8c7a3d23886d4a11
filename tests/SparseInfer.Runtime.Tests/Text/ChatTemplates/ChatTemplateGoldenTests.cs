using System.Text.Json;

namespace SparseInfer.Runtime.Tests.Text.ChatTemplates;

/// <summary>Templates give what Python's Jinja gives. The data folder's README says how that was made.</summary>
public sealed class ChatTemplateGoldenTests
{
    [Fact]
    public void Published_templates_give_what_jinja2_gives()
    {
        using JsonDocument golden = Read("golden.json");
        JsonElement conversations = golden.RootElement.GetProperty("conversations");
        int compared = 0;
        foreach (JsonProperty template in golden.RootElement.GetProperty("templates").EnumerateObject())
        {
            var parsed = ChatTemplate.Parse(File.ReadAllText(At($"{template.Name}.jinja")), "<s>", "</s>");
            foreach (JsonProperty expected in template.Value.EnumerateObject())
            {
                Result(() => parsed.Render(conversations.GetProperty(expected.Name), FixedClock.Instance))
                    .ShouldBe(Expected(expected.Value), $"{template.Name}, {expected.Name}");
                compared++;
            }
        }

        compared.ShouldBe(772);
    }

    [Fact]
    public void Every_construct_gives_what_jinja2_gives()
    {
        using JsonDocument golden = Read("snippets.json");
        Dictionary<string, JsonElement> variables = golden.RootElement.GetProperty("variables").EnumerateObject().ToDictionary(one => one.Name, one => one.Value);
        variables["messages"] = JsonElement.Parse("[]");
        JsonElement conversation = JsonSerializer.SerializeToElement(variables);
        List<string> differences = [];
        int compared = 0;
        foreach (JsonElement snippet in golden.RootElement.GetProperty("snippets").EnumerateArray())
        {
            string source = snippet.GetProperty("template").GetString()!;
            string expected = Expected(snippet);
            string result = Result(() => ChatTemplate.Parse(source).Render(conversation, FixedClock.Instance));
            compared++;
            if (expected != (expected == "error" && result.StartsWith("error", StringComparison.Ordinal) ? "error" : result))
            {
                differences.Add($"{source}\n  jinja2: {expected}\n  here:   {result}");
            }
        }

        string.Join("\n", differences).ShouldBe("");
        compared.ShouldBe(658);
    }

    [Fact]
    public void The_typed_conversation_gives_the_same_as_its_JSON()
    {
        using JsonDocument golden = Read("golden.json");
        JsonElement json = golden.RootElement.GetProperty("conversations").GetProperty("tools-answer");
        ChatTurn[] turns =
        [
            new("user", "Weather and sum?"),
            new("assistant", "Let me see.")
            {
                ToolCalls =
                [
                    new("get_weather", """{"city": "Bonn"}""", "abcdefgh1"),
                    new("add", """{"a": 1, "b": 2.5, "list": ["x", "y"], "opts": {"round": true, "n": null}}""", "abcdefgh2"),
                ],
            },
            new("tool", "sunny") { ToolCallId = "abcdefgh1", Name = "get_weather" },
            new("tool", "3.5") { ToolCallId = "abcdefgh2", Name = "add" },
            new("assistant", "Sunny, 3.5."),
            new("user", "Thanks"),
        ];
        ChatTool[] tools = [.. json.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("function")).Select(function => new ChatTool(
            function.GetProperty("name").GetString()!, function.GetProperty("description").GetString(), function.GetProperty("parameters").GetRawText()))];
        foreach (JsonProperty template in golden.RootElement.GetProperty("templates").EnumerateObject())
        {
            var parsed = ChatTemplate.Parse(File.ReadAllText(At($"{template.Name}.jinja")), "<s>", "</s>");
            Result(() => parsed.Render(turns, new() { Tools = tools, Clock = FixedClock.Instance }))
                .ShouldBe(Expected(template.Value.GetProperty("tools-answer")), template.Name);
        }
    }

    private static string At(string name) => TestData.Path("chat-templates", name);

    private static JsonDocument Read(string name) => JsonDocument.Parse(File.ReadAllText(At(name)));

    private static string Expected(JsonElement golden) =>
        golden.TryGetProperty("text", out JsonElement text) ? $"text: {text.GetString()}"
        : golden.TryGetProperty("raise", out JsonElement raised) ? $"raise: {raised.GetString()}"
        : "error";

    private static string Result(Func<ChatPrompt> render)
    {
        try
        {
            return $"text: {render().Text}";
        }
        catch (ChatRefusedException refused)
        {
            return $"raise: {refused.Message}";
        }
        catch (ChatTemplateException wrong)
        {
            return $"error: {wrong.Message}";
        }
    }
}
