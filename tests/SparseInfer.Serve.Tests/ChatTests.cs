using System.Text.Json;

namespace SparseInfer.Serve.Tests;

/// <summary>Conversations, as anything that speaks HTTP has them.</summary>
public sealed class ChatTests(TestModel model)
{
    private const string Turns = """{"role":"system","content":"Tell a story."},{"role":"user","content":[{"type":"text","text":"One day "},{"type":"text","text":"a dog came."}]}""";

    private const string Prompt = "system: Tell a story.\nuser: One day a dog came.\nassistant:";

    [Fact]
    public async Task An_answer_is_the_one_of_a_session_in_the_form_of_the_real_service()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        Reply reply = await server.PostAsync("/v1/chat/completions", $$"""{"model":"stories-relu","messages":[{{Turns}}],"max_completion_tokens":12,"user":"me","metadata":{"a":"b"},"store":true}""");

        reply.Status.ShouldBe(200, reply.Body);
        JsonElement json = reply.Json;
        json.GetProperty("id").GetString().ShouldNotBeNull().ShouldStartWith("chatcmpl-");
        json.GetProperty("object").GetString().ShouldBe("chat.completion");
        json.GetProperty("created").GetInt64().ShouldBeGreaterThan(1_700_000_000);
        json.GetProperty("model").GetString().ShouldBe("stories-relu");
        json.GetProperty("system_fingerprint").GetString().ShouldNotBeNull().ShouldStartWith("fp_");
        JsonElement choice = json.GetProperty("choices").EnumerateArray().ShouldHaveSingleItem();
        choice.GetProperty("index").GetInt32().ShouldBe(0);
        choice.GetProperty("finish_reason").GetString().ShouldBe("length");
        choice.GetProperty("logprobs").ValueKind.ShouldBe(JsonValueKind.Null);
        choice.GetProperty("message").GetProperty("role").GetString().ShouldBe("assistant");
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe(Expected.Text(model, Prompt, 12));
        JsonElement usage = json.GetProperty("usage");
        int prompt = model.Model.Tokenizer.Encode(Prompt, addBeginOfSequence: true).Length;
        usage.GetProperty("prompt_tokens").GetInt32().ShouldBe(prompt);
        usage.GetProperty("completion_tokens").GetInt32().ShouldBe(12);
        usage.GetProperty("total_tokens").GetInt32().ShouldBe(prompt + 12);
        usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task Events_begin_with_the_role_end_with_the_reason_and_say_what_a_whole_answer_says()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string body = $$$"""{"messages":[{{{Turns}}}],"max_tokens":12,"stream":true,"stream_options":{"include_usage":true}}""";

        JsonElement[] events = await server.StreamAsync("/v1/chat/completions", body);

        events.Select(item => item.GetProperty("id").GetString()).Distinct().Count().ShouldBe(1);
        events.ShouldAllBe(item => item.GetProperty("object").GetString() == "chat.completion.chunk");
        JsonElement first = events[0].GetProperty("choices")[0].GetProperty("delta");
        first.GetProperty("role").GetString().ShouldBe("assistant");
        first.GetProperty("content").GetString().ShouldBe("");
        events[..^2].ShouldAllBe(item => item.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind == JsonValueKind.Null);
        events[..^1].ShouldAllBe(item => item.GetProperty("usage").ValueKind == JsonValueKind.Null);
        events[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("length");
        events[^2].GetProperty("choices")[0].GetProperty("delta").EnumerateObject().ShouldBeEmpty();
        events[^1].GetProperty("choices").GetArrayLength().ShouldBe(0);
        events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(12);
        Text(events).ShouldBe(Expected.Text(model, Prompt, 12));
    }

    [Fact]
    public async Task Several_answers_have_seeds_of_their_own_and_the_first_is_the_one_alone()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string body = $$"""{"messages":[{{Turns}}],"max_tokens":12,"temperature":1.5,"top_k":0,"top_p":1,"min_p":0,"seed":7""";

        JsonElement three = (await server.PostAsync("/v1/chat/completions", body + ""","n":3}""")).Json;
        JsonElement one = (await server.PostAsync("/v1/chat/completions", body + "}")).Json;
        JsonElement[] events = await server.StreamAsync("/v1/chat/completions", body + ""","n":3,"stream":true}""");

        string[] texts = [.. three.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("content").GetString()!)];
        texts.Distinct().Count().ShouldBe(3);
        one.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString().ShouldBe(texts[0]);
        Enumerable.Range(0, 3).Select(i => Text([.. events.Where(item => item.GetProperty("choices")[0].GetProperty("index").GetInt32() == i)])).ShouldBe(texts);
        JsonElement usage = three.GetProperty("usage");
        usage.GetProperty("prompt_tokens").GetInt32().ShouldBe(one.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        usage.GetProperty("completion_tokens").GetInt32().ShouldBe(36);
    }

    [Fact]
    public async Task The_next_turn_computes_what_is_new_and_a_stop_string_ends_it()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string first = (await server.PostAsync("/v1/chat/completions", $$"""{"messages":[{{Turns}}],"max_tokens":12,"sparsity_mode":"dense"}""")).Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        string turns = $$"""{{Turns}},{"role":"assistant","content":{{JsonSerializer.Serialize(first)}}},{"role":"user","content":"And then?"}""";

        JsonElement second = (await server.PostAsync("/v1/chat/completions", $$"""{"messages":[{{turns}}],"max_tokens":40,"sparsity_mode":"dense","stop":"."}""")).Json;

        second.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32().ShouldBeGreaterThan(10);
        second.GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("stop");
        string text = second.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        text.ShouldNotContain('.');
        Expected.Text(model, $"{Prompt}{first}\nuser: And then?\nassistant:", 40, SparsityMode.Dense).ShouldStartWith(text + ".");
    }

    [Fact]
    public async Task Probabilities_are_told_with_their_bytes_and_variables_reach_the_template()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        JsonElement reply = (await server.PostAsync(
            "/v1/chat/completions", $$$"""{"messages":[{{{Turns}}}],"max_tokens":5,"logprobs":true,"top_logprobs":3,"chat_template_kwargs":{"mood":"sad"}}""")).Json;

        JsonElement choice = reply.GetProperty("choices")[0];
        JsonElement[] tokens = [.. choice.GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        tokens.Length.ShouldBe(5);
        string.Concat(tokens.Select(token => token.GetProperty("token").GetString())).ShouldBe(choice.GetProperty("message").GetProperty("content").GetString());
        tokens.ShouldAllBe(token => token.GetProperty("top_logprobs").GetArrayLength() == 3);
        tokens.ShouldAllBe(token => token.GetProperty("top_logprobs")[0].GetProperty("logprob").GetDouble() == token.GetProperty("logprob").GetDouble());
        tokens.ShouldAllBe(token => token.GetProperty("logprob").GetDouble() <= 0);
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe(Expected.Text(model, Prompt.Replace("assistant:", "(sad) assistant:"), 5));
    }

    private static string Text(JsonElement[] events) => string.Concat(events
        .SelectMany(item => item.GetProperty("choices").EnumerateArray())
        .Select(choice => choice.GetProperty("delta").TryGetProperty("content", out JsonElement content) ? content.GetString() : ""));
}
