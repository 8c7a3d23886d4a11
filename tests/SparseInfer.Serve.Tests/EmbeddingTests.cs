using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Embeddings;

namespace SparseInfer.Serve.Tests;

/// <summary><c>/v1/embeddings</c>, asked by OpenAI's own client, and by hand.</summary>
public sealed class EmbeddingTests(TestModel model)
{
    private const string Url = "/v1/embeddings";

    private static readonly string[] Texts = ["Once upon a time", "One day a dog came to the park.", "x"];

    [Fact]
    public async Task A_stock_client_gets_the_vectors_of_the_model_alone_and_among_answers()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        EmbeddingClient client = Client(server);
        float[][] expected = await ExpectedAsync(Texts);
        const string Completion = """{"prompt":"Once upon a time","max_tokens":40,"temperature":0}""";
        string answer = (await server.PostAsync("/v1/completions", Completion)).Json.GetProperty("choices")[0].GetProperty("text").GetString()!;

        OpenAIEmbedding one = await client.GenerateEmbeddingAsync(Texts[0], cancellationToken: TestContext.Current.CancellationToken);
        one.ToFloats().ToArray().ShouldBe(expected[0]);

        Task<Reply>[] answers = [.. Enumerable.Range(0, 4).Select(_ => server.PostAsync("/v1/completions", Completion))];
        Task<ClientResult<OpenAIEmbeddingCollection>>[] calls = [.. Enumerable.Range(0, 6).Select(_ => client.GenerateEmbeddingsAsync(Texts))];
        foreach (Task<ClientResult<OpenAIEmbeddingCollection>> call in calls)
        {
            OpenAIEmbeddingCollection embeddings = await call;
            embeddings.Select(embedding => embedding.ToFloats().ToArray()).ShouldBe(expected);
            embeddings.Select(embedding => embedding.Index).ShouldBe([0, 1, 2]);
            embeddings.Model.ShouldBe(TestModel.Name);
            int tokens = Texts.Sum(text => model.Model.Tokenizer.Encode(text, addBeginOfSequence: true).Length);
            (embeddings.Usage.InputTokenCount, embeddings.Usage.TotalTokenCount).ShouldBe((tokens, tokens));
        }

        foreach (Task<Reply> reply in answers)
        {
            (await reply).Json.GetProperty("choices")[0].GetProperty("text").GetString().ShouldBe(answer);
        }
    }

    [Fact]
    public async Task Tokens_and_texts_give_numbers_or_the_bytes_of_floats()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        int[] tokens = model.Model.Tokenizer.Encode(Texts[0], addBeginOfSequence: true);
        string ids = $"[{string.Join(',', tokens)}]";
        float[] expected = (await ExpectedAsync(Texts[0]))[0];

        foreach (string input in (string[])[$"\"{Texts[0]}\"", $"[\"{Texts[0]}\"]", ids, $"[{ids}]"])
        {
            JsonElement reply = (await server.PostAsync(Url, $$"""{"input":{{input}},"model":"stories-relu","encoding_format":"float","user":"me"}""")).Json;
            reply.GetProperty("object").GetString().ShouldBe("list");
            JsonElement data = reply.GetProperty("data").EnumerateArray().ShouldHaveSingleItem();
            (data.GetProperty("object").GetString(), data.GetProperty("index").GetInt32()).ShouldBe(("embedding", 0));
            data.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()).ShouldBe(expected, input);
            reply.GetProperty("usage").ToString().ShouldBe($$"""{"prompt_tokens":{{tokens.Length}},"total_tokens":{{tokens.Length}}}""");
        }

        JsonElement bytes = (await server.PostAsync(Url, $$"""{"input":{{ids}},"encoding_format":"base64"}""")).Json.GetProperty("data")[0].GetProperty("embedding");
        byte[] decoded = bytes.GetBytesFromBase64();
        Enumerable.Range(0, expected.Length).Select(i => BitConverter.ToSingle(decoded, 4 * i)).ShouldBe(expected);
        server.Log.ShouldContain(" 200 ");
        server.Log.ShouldContain($", {tokens.Length} prompt tokens\n".ReplaceLineEndings());
    }

    [Theory]
    [InlineData("{}", "input", "missing_required_parameter", "Missing required parameter: 'input'.")]
    [InlineData("""{"input":""}""", null, null, "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.")]
    [InlineData("""{"input":[]}""", null, null, "'$.input' is invalid.")]
    [InlineData("""{"input":["a",""]}""", null, null, "'$.input' is invalid.")]
    [InlineData("""{"input":[[]]}""", null, null, "'$.input' is invalid.")]
    [InlineData("""{"input":5}""", "input", "invalid_type", "one of a string, array of strings, array of integers, or array of integer arrays")]
    [InlineData("""{"input":["a",5]}""", "input[1]", "invalid_type", "but got an integer")]
    [InlineData("""{"input":[[1],"a"]}""", "input[1]", "invalid_type", "but got a string")]
    [InlineData("""{"input":[1,999]}""", "input[1]", "invalid_value", "999 is no token")]
    [InlineData("""{"input":"a","encoding_format":"int8"}""", "encoding_format", "invalid_value", "Supported values are: 'float', 'base64'.")]
    [InlineData("""{"input":"a","dimensions":64}""", null, null, "This model does not support specifying dimensions.")]
    [InlineData("""{"input":"a","dimensions":257}""", "dimensions", "integer_above_max_value", "<= 256")]
    [InlineData("""{"input":"a","pooling":"cls"}""", "pooling", "unknown_parameter", "Unknown parameter")]
    public async Task What_is_wrong_is_told_as_the_service_does(string body, string? param, string? code, string message)
    {
        await using TestServer server = await TestServer.StartAsync(model);
        ErrorTests.Check(await server.PostAsync(Url, body), 400, param, code, message);
    }

    [Fact]
    public async Task Too_many_texts_and_too_long_ones_are_refused_with_their_limits()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Context = 64 });
        string many = string.Join(',', Enumerable.Repeat("\"a\"", 2049));
        ErrorTests.Check(
            await server.PostAsync(Url, $$"""{"input":[{{many}}]}"""), 400, "input", "array_above_max_length", "Expected an array with maximum length 2048, but got an array with length 2049 instead.");
        string ids = string.Join(',', Enumerable.Repeat("5", 65));
        ErrorTests.Check(
            await server.PostAsync(Url, $$"""{"input":[{{ids}}]}"""), 400, "input", "context_length_exceeded",
            "This model's maximum context length is 64 tokens, however you requested 65 tokens (65 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.");
        ClientResultException error = await Should.ThrowAsync<ClientResultException>(() => Client(server).GenerateEmbeddingAsync("a", new() { Dimensions = 5 }));
        error.Status.ShouldBe(400);
        error.Message.ShouldContain("does not support specifying dimensions");
    }

    [Fact]
    public async Task Dimensions_are_for_models_that_were_trained_for_them()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Matryoshka = true, Pooling = EmbeddingPooling.Last });
        TextEmbedding expected = await model.Model.EmbedAsync(Texts[0], new() { Dimensions = 64, Pooling = EmbeddingPooling.Last }, TestContext.Current.CancellationToken);
        OpenAIEmbedding embedding = await Client(server).GenerateEmbeddingAsync(Texts[0], new() { Dimensions = 64 }, TestContext.Current.CancellationToken);
        embedding.ToFloats().ToArray().ShouldBe(expected.Values.ToArray());
    }

    private static EmbeddingClient Client(TestServer server) =>
        new(TestModel.Name, new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Http.BaseAddress!, "v1") });

    private async Task<float[][]> ExpectedAsync(params string[] texts) =>
        await Task.WhenAll(texts.Select(async text => (await model.Model.EmbedAsync(text)).Values.ToArray()));
}
