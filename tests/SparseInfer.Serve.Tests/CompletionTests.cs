using System.Text.Json;

namespace SparseInfer.Serve.Tests;

/// <summary>Texts that are gone on with.</summary>
public sealed class CompletionTests(TestModel model)
{
    private const string Prompt = "Once upon a time";

    [Fact]
    public async Task A_text_goes_on_as_in_a_session_and_has_sixteen_tokens_where_nobody_says()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        JsonElement json = (await server.PostAsync("/v1/completions", $$"""{"model":"stories-relu","prompt":"{{Prompt}}"}""")).Json;

        json.GetProperty("object").GetString().ShouldBe("text_completion");
        json.GetProperty("id").GetString().ShouldNotBeNull().ShouldStartWith("cmpl-");
        JsonElement choice = json.GetProperty("choices").EnumerateArray().ShouldHaveSingleItem();
        choice.GetProperty("text").GetString().ShouldBe(Expected.Text(model, Prompt, 16));
        choice.GetProperty("finish_reason").GetString().ShouldBe("length");
        choice.GetProperty("logprobs").ValueKind.ShouldBe(JsonValueKind.Null);
        json.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(16);
    }

    [Fact]
    public async Task Prompts_are_texts_or_tokens_and_answers_stand_in_their_order()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string tokens = JsonSerializer.Serialize(model.Model.Tokenizer.Encode("The dog", addBeginOfSequence: true));

        JsonElement texts = (await server.PostAsync("/v1/completions", $$"""{"prompt":["{{Prompt}}","The dog"],"n":2,"max_tokens":6,"echo":true}""")).Json;
        JsonElement ids = (await server.PostAsync("/v1/completions", $$"""{"prompt":{{tokens}},"max_tokens":6}""")).Json;
        JsonElement lists = (await server.PostAsync("/v1/completions", $$"""{"prompt":[{{tokens}}],"max_tokens":6,"echo":true}""")).Json;

        string once = Prompt + Expected.Text(model, Prompt, 6);
        string dog = Expected.Text(model, "The dog", 6);
        texts.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("text").GetString()).ShouldBe([once, once, "The dog" + dog, "The dog" + dog]);
        texts.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()).ShouldBe([0, 1, 2, 3]);
        ids.GetProperty("choices")[0].GetProperty("text").GetString().ShouldBe(dog);
        lists.GetProperty("choices")[0].GetProperty("text").GetString().ShouldBe("The dog" + dog);
    }

    [Fact]
    public async Task A_seed_repeats_an_answer_and_events_say_the_same()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        string body = $$"""{"prompt":"{{Prompt}}","max_tokens":20,"temperature":1.2,"top_k":100,"top_p":0.9,"min_p":0.01,"repeat_penalty":1.1,"frequency_penalty":0.5,"presence_penalty":0.25,"seed":-3""";

        string one = Text((await server.PostAsync("/v1/completions", body + "}")).Json);
        string two = Text((await server.PostAsync("/v1/completions", body + "}")).Json);
        JsonElement[] events = await server.StreamAsync("/v1/completions", body + ""","stream":true,"stream_options":{"include_usage":true}}""");

        two.ShouldBe(one);
        string.Concat(events[..^1].Select(Text)).ShouldBe(one);
        events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(20);
        one.ShouldBe(Expected.Text(model, Prompt, 20, options: new()
        {
            Temperature = 1.2,
            TopK = 100,
            TopP = 0.9,
            MinP = 0.01,
            RepetitionPenalty = 1.1,
            FrequencyPenalty = 0.5,
            PresencePenalty = 0.25,
            Seed = unchecked((ulong)-3),
        }));
    }

    [Fact]
    public async Task Probabilities_stand_side_by_side_with_where_tokens_begin()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        JsonElement choice = (await server.PostAsync("/v1/completions", $$"""{"prompt":"{{Prompt}}","max_tokens":6,"logprobs":2}""")).Json.GetProperty("choices")[0];

        JsonElement probabilities = choice.GetProperty("logprobs");
        string[] tokens = [.. probabilities.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        tokens.Length.ShouldBe(6);
        string.Concat(tokens).ShouldBe(choice.GetProperty("text").GetString());
        int[] offsets = [.. probabilities.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32())];
        offsets.ShouldBe(tokens.Select((_, i) => tokens[..i].Sum(token => token.Length)));
        double[] values = [.. probabilities.GetProperty("token_logprobs").EnumerateArray().Select(value => value.GetDouble())];
        probabilities.GetProperty("top_logprobs").EnumerateArray().Select((top, i) => top.GetProperty(tokens[i]).GetDouble()).ShouldBe(values);
    }

    [Fact]
    public async Task Text_becomes_tokens_and_tokens_text_as_in_llama_cpp()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        int[] tokens = model.Model.Tokenizer.Encode(Prompt, addBeginOfSequence: false);

        JsonElement plain = (await server.PostAsync("/tokenize", $$"""{"content":"{{Prompt}}"}""")).Json.GetProperty("tokens");
        JsonElement special = (await server.PostAsync("/tokenize", $$"""{"content":"{{Prompt}}","add_special":true,"with_pieces":true}""")).Json.GetProperty("tokens");
        JsonElement text = (await server.PostAsync("/detokenize", $$"""{"tokens":{{plain.GetRawText()}}}""")).Json;
        Reply wrong = await server.PostAsync("/detokenize", """{"tokens":[-1]}""");

        plain.EnumerateArray().Select(token => token.GetInt32()).ShouldBe(tokens);
        special.EnumerateArray().Select(token => token.GetProperty("id").GetInt32()).ShouldBe([model.Model.Tokenizer.BeginOfSequence!.Value, .. tokens]);
        string.Concat(special.EnumerateArray().Select(token => token.GetProperty("piece").GetString())).Trim().ShouldBe(Prompt);
        text.GetProperty("content").GetString().ShouldBe(Prompt);
        wrong.Error.GetProperty("param").GetString().ShouldBe("tokens[0]");
    }

    private static string Text(JsonElement json) => json.GetProperty("choices")[0].GetProperty("text").GetString()!;
}
