using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel.ChatCompletion;
using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI.Tests;

/// <summary>The client, alone and below what its users put around it: function invocation, a cache, dependency injection, Semantic Kernel.</summary>
public sealed class ChatClientTests
{
    internal const string OpensAnswer = "[assistant]";

    private static readonly ChatTemplate Template = ChatTemplate.Parse(
        """
        {%- if messages[0].role == 'tool' %}{{ raise_exception('A tool cannot begin.') }}{% endif -%}
        {%- for t in tools or [] %}<{{ t.function.name }}: {{ t.function.description }} {{ t.function.parameters.properties | tojson }}>{% endfor -%}
        {%- for m in messages %}[{{ m.role }}{{ ' ' + m.name if m.name else '' }}]{{ m.content or '' }}{% for c in m.tool_calls or [] %}({{ c.id }} {{ c.function.name }} {{ c.function.arguments | tojson }}){% endfor %}{{ '(' + m.tool_call_id + ')' if m.tool_call_id else '' }}
        {% endfor -%}
        {{ '(no thoughts)' if enable_thinking is defined and not enable_thinking else '' }}[assistant]
        """);

    private static ModelServiceOptions Options => new() { ChatTemplate = Template, ToolCallFormat = ToolCallFormat.Tags };

    [Fact]
    public async Task An_answer_is_streamed_and_reports_its_usage()
    {
        using ScriptedModel model = ScriptedModel.Load(prompt => prompt.Contains("France") ? "Paris is its capital. Ça va?" : "What?");
        using SparseInferChatClient client = model.AsChatClient(Options, modelId: "scripted");
        List<ChatMessage> messages = [new(ChatRole.User, "The capital of France?")];
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages))
        {
            updates.Add(update);
        }

        updates.Count.ShouldBeGreaterThan(10);
        updates.ShouldAllBe(update => update.Role == ChatRole.Assistant && update.ModelId == "scripted" && update.ResponseId == updates[0].ResponseId);
        ChatResponse response = await client.GetResponseAsync(messages);
        response.Text.ShouldBe("Paris is its capital. Ça va?");
        updates.ToChatResponse().Text.ShouldBe(response.Text);
        response.FinishReason.ShouldBe(ChatFinishReason.Stop);
        (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount).ShouldBe((model.Prompts[0].Length, 29));
        (response.Usage.CachedInputTokenCount, response.Usage.TotalTokenCount).ShouldBe((model.Prompts[0].Length - 1, model.Prompts[0].Length + 29));

        (await client.GetResponseAsync(messages, new ChatOptions { MaxOutputTokens = 5 })).FinishReason.ShouldBe(ChatFinishReason.Length);
        (await client.GetResponseAsync(messages, new ChatOptions { StopSequences = [" capital"] })).Text.ShouldBe("Paris is its");
        client.GetService<ChatClientMetadata>()!.DefaultModelId.ShouldBe("scripted");
        client.GetService<LanguageModel>().ShouldBe(model);
        client.GetService<ModelService>()!.ReadCounts().Answered.ShouldBe(4);
    }

    [Fact]
    public async Task Options_reach_the_template_and_the_service()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "Yes.");
        using SparseInferChatClient client = model.AsChatClient(Options);
        var options = new ChatOptions
        {
            Instructions = "Be brief.",
            Temperature = 0.1f,
            AdditionalProperties = new() { ["mode"] = "exact", ["min_p"] = 0.2, ["chat_template_kwargs"] = new Dictionary<string, object?> { ["enable_thinking"] = false } },
        };
        await client.GetResponseAsync([new(ChatRole.System, "You are kind."), new(ChatRole.User, "Is it?") { AuthorName = "Ada" }], options);
        model.Prompts[0].ShouldBe("[system]Be brief.\n\nYou are kind.\n[user Ada]Is it?\n(no thoughts)[assistant]");
        model.Mode.ShouldBe(SparsityMode.Exact);

        ModelService service = client.GetService<ModelService>()!;
        var all = new ChatOptions
        {
            Temperature = 0.1f,
            TopP = 0.3f,
            TopK = 7,
            MaxOutputTokens = 9,
            FrequencyPenalty = 0.5f,
            PresencePenalty = -1,
            Seed = -1,
            StopSequences = ["\n"],
            AdditionalProperties = new() { ["min_p"] = 0.2f, ["repetition_penalty"] = 1.5, ["time_limit"] = 2 },
        };
        ChatRequest request = ChatRequests.Of([new(ChatRole.User, "a")], all, new GenerationOptions(), service, "Scripted", client);
        request.TimeLimit.ShouldBe(TimeSpan.FromSeconds(2));
        request.Options.ToString().ShouldBe(
            "GenerationOptions { MaxTokens = 9, Temperature = 0.1, TopK = 7, TopP = 0.3, MinP = 0.2, RepetitionPenalty = 1.5, PresencePenalty = -1, FrequencyPenalty = 0.5, "
            + "RepetitionWindow = 2000, Seed = 18446744073709551615, StopStrings = ['\\u000a'], Grammar = null, IgnoreEndOfSequence = False }");
    }

    [Fact]
    public async Task What_it_cannot_do_is_refused_by_name()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "Yes.");
        using SparseInferChatClient client = model.AsChatClient(Options);
        async Task RefusesAsync<T>(string message, ChatOptions options)
            where T : Exception =>
            (await Should.ThrowAsync<T>(async () => await client.GetResponseAsync("Hello", options))).Message.ShouldContain(message);

        await RefusesAsync<NotSupportedException>("ToolMode", new ChatOptions { ToolMode = ChatToolMode.RequireAny });
        await RefusesAsync<JsonSchemaException>("'uniqueItems'", new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonSerializer.SerializeToElement(new { type = "array", uniqueItems = true })) });
        await RefusesAsync<NotSupportedException>("ConversationId", new ChatOptions { ConversationId = "1" });
        await RefusesAsync<NotSupportedException>("HostedWebSearchTool", new ChatOptions { Tools = [new HostedWebSearchTool()] });
        await RefusesAsync<ArgumentException>("'gpt-5'", new ChatOptions { ModelId = "gpt-5" });
        await RefusesAsync<ArgumentException>("'logit_bias', which the client does not know", new ChatOptions { AdditionalProperties = new() { ["logit_bias"] = 1 } });
        await RefusesAsync<ArgumentException>("dense, exact or predicted", new ChatOptions { AdditionalProperties = new() { ["mode"] = "fast" } });
        await RefusesAsync<ArgumentException>("TopP", new ChatOptions { TopP = 2 });
        var picture = new ChatMessage(ChatRole.User, [new TextContent("What is it?"), new DataContent(new byte[] { 1 }, "image/png")]);
        (await Should.ThrowAsync<NotSupportedException>(async () => await client.GetResponseAsync(picture))).Message.ShouldContain("DataContent");
        await Should.ThrowAsync<ChatRefusedException>(async () => await client.GetResponseAsync(new ChatMessage(ChatRole.Tool, "x")));
        model.Prompts.ShouldBeEmpty();
    }

    [Fact]
    public async Task Functions_are_called_by_the_middleware_and_their_results_go_back()
    {
        using ScriptedModel model = ScriptedModel.Load(prompt => prompt.Contains("[tool weather]")
            ? "It is sunny in Köln."
            : "I look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 2}}\n</tool_call>");
        IChatClient client = model.AsChatClient(Options).AsBuilder().UseFunctionInvocation().Build();
        List<string> asked = [];
        AIFunction weather = AIFunctionFactory.Create(
            ([Description("Where.")] string city, int days) =>
            {
                asked.Add($"{city} {days}");
                return new { Sky = "sunny", Degrees = 21 };
            },
            "weather",
            "Tells the weather.");
        ChatResponse response = await client.GetResponseAsync("The weather in Köln?", new ChatOptions { Tools = [weather] });
        response.Text.ShouldContain("It is sunny in Köln.");
        asked.ShouldBe(["Köln 2"]);
        model.Prompts.Count.ShouldBe(2);
        model.Prompts[0].ShouldStartWith("<weather: Tells the weather. {\"city\": {\"description\": \"Where.\", \"type\": \"string\"}");
        string id = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Single().CallId;
        id.Length.ShouldBe(9);
        model.Prompts[1].ShouldEndWith(
            $"[user]The weather in Köln?\n[assistant]I look.({id} weather {{\"city\": \"Köln\", \"days\": 2}})\n[tool weather]{{\"sky\":\"sunny\",\"degrees\":21}}({id})\n[assistant]");
        response.Usage!.OutputTokenCount!.Value.ShouldBeGreaterThan(60);

        // Streaming, and no tools at all.
        asked.Clear();
        (await client.GetStreamingResponseAsync("The weather in Köln?", new ChatOptions { Tools = [weather] }).ToChatResponseAsync()).Text.ShouldContain("sunny");
        asked.Count.ShouldBe(1);
        (await client.GetResponseAsync("The weather in Köln?", new ChatOptions { Tools = [weather], ToolMode = ChatToolMode.None })).Text.ShouldContain("<tool_call>");
        client.Dispose();
    }

    [Fact]
    public async Task A_mark_that_is_a_control_token_is_seen_and_is_no_text()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "I look. [TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": \"Bonn\"}}, {\"name\": \"weather\", \"arguments\": {}}]");
        using SparseInferChatClient client = model.AsChatClient(Options with { ToolCallFormat = ToolCallFormat.Mistral });
        AIFunction weather = AIFunctionFactory.Create((string? city = null) => "sunny", "weather", "Tells the weather.");
        ChatResponse response = await client.GetResponseAsync("The weather?", new ChatOptions { Tools = [weather] });
        response.Text.ShouldBe("I look.");
        response.FinishReason.ShouldBe(ChatFinishReason.ToolCalls);
        FunctionCallContent[] calls = [.. response.Messages.Single().Contents.OfType<FunctionCallContent>()];
        calls.Select(call => call.Name).ShouldBe(["weather", "weather"]);
        calls[0].Arguments!["city"]!.ToString().ShouldBe("Bonn");
        calls[0].CallId.ShouldNotBe(calls[1].CallId);

        // Without tools nothing is looked for, and control tokens are no text.
        (await client.GetResponseAsync("The weather?")).Text.ShouldStartWith("I look.  [{");
    }

    [Fact]
    public async Task Answers_come_from_a_cache_where_there_is_one()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "Yes.");
        var cache = new MemoryDistributedCache(Microsoft.Extensions.Options.Options.Create(new MemoryDistributedCacheOptions()));
        using IChatClient client = model.AsChatClient(Options).AsBuilder().UseDistributedCache(cache).Build();
        (await client.GetResponseAsync("Is it?")).Text.ShouldBe("Yes.");
        ChatResponse again = await client.GetResponseAsync("Is it?");
        (again.Text, again.FinishReason, again.Usage!.OutputTokenCount).ShouldBe(("Yes.", ChatFinishReason.Stop, 4));
        model.Prompts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_application_has_one_client_that_ends_with_it()
    {
        ScriptedModel? model = null;
        var services = new ServiceCollection();
        services.AddSparseInferChatClient(_ => model = ScriptedModel.Load(_ => "Yes."), Options);
        using (ServiceProvider provider = services.BuildServiceProvider())
        {
            model.ShouldBeNull("it is loaded when it is asked for");
            IChatClient client = provider.GetRequiredService<IChatClient>();
            (await client.GetResponseAsync("Is it?")).Text.ShouldBe("Yes.");
            provider.GetRequiredService<ModelService>().ReadCounts().Answered.ShouldBe(1);
            provider.GetRequiredService<IChatClient>().ShouldBe(client);
        }

        Should.Throw<ObjectDisposedException>(() => model!.CreateSession());
    }

    [Fact]
    public async Task Semantic_Kernel_has_it_as_a_chat_service()
    {
        using ScriptedModel model = ScriptedModel.Load(prompt => prompt.Contains("second") ? "Two." : "One.");
        using SparseInferChatClient client = model.AsChatClient(Options);
        IChatCompletionService service = client.AsChatCompletionService();
        var history = new ChatHistory("Count.");
        history.AddUserMessage("The first?");
        history.Add((await service.GetChatMessageContentAsync(history)));
        history[^1].Content.ShouldBe("One.");
        history.AddUserMessage("The second?");
        string text = "";
        await foreach (var piece in service.GetStreamingChatMessageContentsAsync(history))
        {
            text += piece.Content;
        }

        text.ShouldBe("Two.");
        model.Prompts[1].ShouldBe("[system]Count.\n[user]The first?\n[assistant]One.\n[user]The second?\n[assistant]");
    }

    [Fact]
    public async Task Cancelling_ends_the_answer_and_frees_its_place()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => new string('a', 1500));
        using SparseInferChatClient client = model.AsChatClient(Options with { MaxRunning = 1, MaxQueued = 0 });
        using var cancel = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync("Go on.", cancellationToken: cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
        (await client.GetResponseAsync("Go on.")).Text.Length.ShouldBe(1500);
        Task<ChatResponse> running = client.GetResponseAsync("Go on.");
        await client.DisposeAsync();
        try
        {
            (await running).Text.Length.ShouldBe(1500);
        }
        catch (ServiceStoppedException)
        {
            // It had begun.
        }
    }
}
