using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using SparseInfer.Cli.Serve;

namespace SparseInfer.Serve.Tests;

/// <summary>OpenAI's own client, which knows of no other service.</summary>
public sealed class OpenAiClientTests(TestModel model)
{
    private static readonly ChatMessage[] Messages = [new SystemChatMessage("Tell a story."), new UserChatMessage("One day a dog came.")];

    private const string Prompt = "system: Tell a story.\nuser: One day a dog came.\nassistant:";

    [Fact]
    public async Task It_gets_an_answer()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        ChatCompletion answer = await Client(server).CompleteChatAsync(Messages, new() { MaxOutputTokenCount = 12, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 }, TestContext.Current.CancellationToken);

        answer.Content.ShouldHaveSingleItem().Text.ShouldBe(Expected.Text(model, Prompt, 12));
        answer.Role.ShouldBe(ChatMessageRole.Assistant);
        answer.FinishReason.ShouldBe(ChatFinishReason.Length);
        answer.Usage.OutputTokenCount.ShouldBe(12);
        answer.Usage.InputTokenDetails.CachedTokenCount.ShouldBe(0);
        answer.ContentTokenLogProbabilities.Count.ShouldBe(12);
        answer.ContentTokenLogProbabilities[0].TopLogProbabilities.Count.ShouldBe(2);
        answer.Model.ShouldBe(TestModel.Name);
    }

    [Fact]
    public async Task It_gets_an_answer_as_a_stream()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        var text = new System.Text.StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;

        await foreach (StreamingChatCompletionUpdate update in Client(server).CompleteChatStreamingAsync(Messages, new() { MaxOutputTokenCount = 12 }, TestContext.Current.CancellationToken))
        {
            text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            usage ??= update.Usage;
            reason ??= update.FinishReason;
        }

        text.ToString().ShouldBe(Expected.Text(model, Prompt, 12));
        reason.ShouldBe(ChatFinishReason.Length);
        usage.ShouldNotBeNull().OutputTokenCount.ShouldBe(12);
    }

    [Fact]
    public async Task It_understands_errors()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "right", TestContext.Current.CancellationToken);
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Key = ApiKey.Read(file), Context = 64 });
        File.Delete(file);
        string many = string.Join(' ', Enumerable.Repeat("dog", 100));

        (await FailAsync(Client(server, key: "wrong"), "Hello")).ShouldSatisfyAllConditions(error => error.Status.ShouldBe(401), error => error.Message.ShouldContain("invalid_api_key"));
        (await FailAsync(Client(server, "gpt-4"), "Hello")).ShouldSatisfyAllConditions(error => error.Status.ShouldBe(404), error => error.Message.ShouldContain("The model `gpt-4` does not exist"));
        (await FailAsync(Client(server), many)).ShouldSatisfyAllConditions(error => error.Status.ShouldBe(400), error => error.Message.ShouldContain("context_length_exceeded"));
    }

    [Fact]
    public async Task It_lists_the_model()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        var client = new OpenAIModelClient(new ApiKeyCredential("right"), Options(server));

        OpenAIModelCollection models = await client.GetModelsAsync(TestContext.Current.CancellationToken);

        models.ShouldHaveSingleItem().Id.ShouldBe(TestModel.Name);
    }

    private static async Task<ClientResultException> FailAsync(ChatClient client, string message) =>
        await Should.ThrowAsync<ClientResultException>(async () => await client.CompleteChatAsync([new UserChatMessage(message)], cancellationToken: TestContext.Current.CancellationToken));

    private static ChatClient Client(TestServer server, string name = "stories-relu", string key = "right") => new(name, new ApiKeyCredential(key), Options(server));

    private static OpenAIClientOptions Options(TestServer server) => new() { Endpoint = new Uri(server.Address, "v1"), RetryPolicy = new ClientRetryPolicy(0) };
}
