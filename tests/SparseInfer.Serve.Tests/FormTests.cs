using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using SparseInfer.Serving;

namespace SparseInfer.Serve.Tests;

/// <summary>Answers of a given form, of a model that knows of stories alone.</summary>
public sealed class FormTests(TestModel model)
{
    private const string Message = """{"role":"user","content":"A dog."}""";

    private const string Schema =
        """{"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":1,"maximum":20},"kind":{"enum":["cat","dog"]}},"required":["name","age","kind"],"additionalProperties":false}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_schema_is_followed_whole_and_as_events(bool isStream)
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string format = $$$"""{"type":"json_schema","json_schema":{"name":"animal","strict":true,"schema":{{{Schema}}}}}""";
        for (int seed = 0; seed < 3; seed++)
        {
            string body = $$"""{"messages":[{{Message}}],"response_format":{{format}},"temperature":1.5,"seed":{{seed}},"max_tokens":300,"stream":{{(isStream ? "true" : "false")}}}""";
            (string text, string reason) = await AnswerAsync(server, body, isStream);

            reason.ShouldBe("stop");
            JsonElement animal = JsonDocument.Parse(text).RootElement;
            animal.EnumerateObject().Select(property => property.Name).ShouldBe(["name", "age", "kind"]);
            animal.GetProperty("age").GetInt32().ShouldBeInRange(1, 20);
            animal.GetProperty("kind").GetString().ShouldBeOneOf("cat", "dog");
            (await AnswerAsync(server, body, isStream)).Text.ShouldBe(text, "one seed, one answer");
        }
    }

    [Fact]
    public async Task Grammars_of_texts_and_json_mode_are_followed()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        Reply text = await server.PostAsync("/v1/completions", """{"prompt":"Once","grammar":"root ::= \" upon\" (\" a\" | \" the\") \" time\"","max_tokens":50,"logprobs":1}""");
        text.Json.GetProperty("choices")[0].GetProperty("text").GetString().ShouldNotBeNull().ShouldBeOneOf(" upon a time", " upon the time");
        text.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
        Reply number = await server.PostAsync("/v1/completions", """{"prompt":"Once","json_schema":{"type":"integer","minimum":100,"maximum":199}}""");
        int.Parse(number.Json.GetProperty("choices")[0].GetProperty("text").GetString()!).ShouldBeInRange(100, 199);
        Reply json = await server.PostAsync("/v1/chat/completions", $$$"""{"messages":[{{{Message}}}],"response_format":{"type":"json_object"},"max_tokens":5}""");
        json.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString().ShouldNotBeNull().ShouldStartWith("{");
        Reply free = await server.PostAsync("/v1/chat/completions", $$$"""{"messages":[{{{Message}}}],"response_format":{"type":"text"},"max_tokens":5}""");
        free.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("length");
    }

    [Fact]
    public async Task A_call_that_has_to_be_made_is_made_and_follows_its_schema()
    {
        await using TestServer server = await TestServer.StartAsync(model, calls: ToolCallFormat.Tags);
        var client = new ChatClient("stories-relu", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "v1") });
        OpenAI.Chat.ChatTool buy = OpenAI.Chat.ChatTool.CreateFunctionTool("buy", "Buys it.", BinaryData.FromString(Schema));
        OpenAI.Chat.ChatTool sell = OpenAI.Chat.ChatTool.CreateFunctionTool("sell", "Sells it.", BinaryData.FromString("""{"type":"object","properties":{"price":{"type":"integer"}},"required":["price"],"additionalProperties":false}"""));
        var options = new ChatCompletionOptions { Tools = { buy, sell }, ToolChoice = ChatToolChoice.CreateFunctionChoice("sell"), AllowParallelToolCalls = false, MaxOutputTokenCount = 300 };

        ChatCompletion named = await client.CompleteChatAsync([new UserChatMessage("A dog.")], options, TestContext.Current.CancellationToken);
        named.FinishReason.ShouldBe(ChatFinishReason.ToolCalls);
        named.ToolCalls.ShouldHaveSingleItem().FunctionName.ShouldBe("sell");
        JsonDocument.Parse(named.ToolCalls[0].FunctionArguments).RootElement.GetProperty("price").ValueKind.ShouldBe(JsonValueKind.Number);
        options.ToolChoice = ChatToolChoice.CreateRequiredChoice();
        ChatCompletion any = await client.CompleteChatAsync([new UserChatMessage("A dog.")], options, TestContext.Current.CancellationToken);
        any.ToolCalls.ShouldHaveSingleItem().FunctionName.ShouldBeOneOf("buy", "sell");
    }

    private static async Task<(string Text, string Reason)> AnswerAsync(TestServer server, string body, bool isStream)
    {
        if (!isStream)
        {
            JsonElement choice = (await server.PostAsync("/v1/chat/completions", body)).Json.GetProperty("choices")[0];
            return (choice.GetProperty("message").GetProperty("content").GetString()!, choice.GetProperty("finish_reason").GetString()!);
        }

        JsonElement[] choices = [.. (await server.StreamAsync("/v1/chat/completions", body)).Select(item => item.GetProperty("choices")[0])];
        string text = string.Concat(choices.Select(choice => choice.GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : ""));
        return (text, choices[^1].GetProperty("finish_reason").GetString()!);
    }
}
