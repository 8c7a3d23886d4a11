using System.Net.Http.Headers;
using SparseInfer.Cli.Serve;

namespace SparseInfer.Serve.Tests;

/// <summary>What is refused, and in which words: clients decide by status, type, code and parameter.</summary>
public sealed class ErrorTests(TestModel model)
{
    private const string Message = """{"role":"user","content":"Hello"}""";

    [Theory]
    [InlineData("{", null, null, "could not parse the JSON body")]
    [InlineData("", null, null, "could not parse the JSON body")]
    [InlineData("[]", null, null, "expected a JSON object, but got an array")]
    [InlineData("""{"messages":[],"messages":[]}""", null, null, "could not parse the JSON body")]
    [InlineData("""{"model":5}""", "model", "invalid_type", "expected a string, but got an integer")]
    [InlineData("{}", "messages", "missing_required_parameter", "Missing required parameter: 'messages'.")]
    [InlineData("""{"messages":"Hello"}""", "messages", "invalid_type", "expected an array of objects, but got a string")]
    [InlineData("""{"messages":[]}""", "messages", "empty_array", "Invalid 'messages': empty array.")]
    [InlineData("""{"messages":["Hello"]}""", "messages[0]", "invalid_type", "expected an object, but got a string")]
    [InlineData("""{"messages":[{"content":"Hello"}]}""", "messages[0].role", "missing_required_parameter", "'messages[0].role'")]
    [InlineData("""{"messages":[{"role":"boss","content":"Hello"}]}""", "messages[0].role", "invalid_value", "Invalid value: 'boss'. Supported values are: 'system', 'assistant', 'user'")]
    [InlineData("""{"messages":[{"role":"user","content":null}]}""", "messages[0].content", null, "expected a string, got null")]
    [InlineData("""{"messages":[{"role":"user","content":5}]}""", "messages[0].content", "invalid_type", "one of a string or array of objects")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "messages[0].content[0].type", null, "Invalid content type. image_url is only supported by certain models.")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", null, null, "no valid Unicode")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"\ud800":1}""", null, null, "no valid Unicode")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"modalities":["\udc00"]}""", null, null, "no valid Unicode")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":{"mood":["\udc00\ud800"]}}""", null, null, "no valid Unicode")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"a":"\ud83d"}}}]}""", null, null, "no valid Unicode")]
    [InlineData("""{"messages":[{"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{\"a\":\"\\udc00\"}"}}]}]}""", null, null, "strings are Unicode")]
    [InlineData("""{"messages":[{"role":"system","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"c"}]}""", "messages", null, "One system only")]
    public async Task A_conversation_that_is_wrong(string body, string? param, string? code, string message) =>
        await RefusesAsync("/v1/chat/completions", body, 400, param, code, message);

    [Theory]
    [InlineData("\"temperature\":\"hot\"", "temperature", "invalid_type", "expected a decimal, but got a string instead.")]
    [InlineData("\"temperature\":2.5", "temperature", "decimal_above_max_value", "Expected a value <= 2, but got 2.5 instead.")]
    [InlineData("\"top_p\":-1", "top_p", "decimal_below_min_value", "Expected a value >= 0, but got -1 instead.")]
    [InlineData("\"max_tokens\":0", "max_tokens", "integer_below_min_value", "Expected a value >= 1, but got 0 instead.")]
    [InlineData("\"max_completion_tokens\":1.5", "max_completion_tokens", "invalid_type", "expected an integer, but got a decimal")]
    [InlineData("\"max_tokens\":1e30", "max_tokens", "integer_above_max_value", "but got 1e30 instead")]
    [InlineData("\"n\":1e999", "n", "integer_above_max_value", "but got 1e999 instead")]
    [InlineData("\"n\":129", "n", "integer_above_max_value", "Expected a value <= 128, but got 129 instead.")]
    [InlineData("\"seed\":\"x\"", "seed", "invalid_type", "expected an integer")]
    [InlineData("\"stop\":[\"\"]", "stop", "string_below_min_length", "Invalid 'stop'")]
    [InlineData("\"stop\":[1]", "stop[0]", "invalid_type", "expected a string")]
    [InlineData("\"presence_penalty\":3", "presence_penalty", "decimal_above_max_value", "<= 2")]
    [InlineData("\"logit_bias\":{\"5\":1}", "logit_bias", "unsupported_parameter", "not supported")]
    [InlineData("\"sparsity_mode\":\"fast\"", "sparsity_mode", "invalid_value", "'dense', 'exact', 'predicted'")]
    [InlineData("\"stream_options\":{}", "stream_options", null, "only allowed when 'stream' is enabled")]
    [InlineData("\"stream\":true,\"stream_options\":{\"x\":1}", "stream_options.x", "unknown_parameter", "stream_options.x")]
    [InlineData("\"temprature\":1", "temprature", "unknown_parameter", "Unknown parameter: 'temprature'.")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", "response_format", null, "'response_format' of type 'json_object' is not supported with this model.")]
    [InlineData("\"top_logprobs\":2", "top_logprobs", null, "only allowed when 'logprobs' is true")]
    [InlineData("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs", "integer_above_max_value", "<= 20")]
    [InlineData("\"tool_choice\":\"auto\"", "tool_choice", null, "only allowed when 'tools' are specified")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"", "tool_choice", "unsupported_value", "'tool_choice'")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]", "tools[0].function.strict", "unsupported_value", "strict")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools[0].function", "missing_required_parameter", "tools[0].function")]
    [InlineData("\"chat_template_kwargs\":{\"messages\":[]}", "chat_template_kwargs", "invalid_value", "'messages' is a parameter of its own")]
    [InlineData("\"functions\":[]", "functions", "unsupported_parameter", "functions")]
    public async Task A_parameter_that_is_wrong(string parameter, string? param, string? code, string message) =>
        await RefusesAsync("/v1/chat/completions", $$"""{"model":"stories-relu","messages":[{{Message}}],{{parameter}}}""", 400, param, code, message);

    [Theory]
    [InlineData("{}", "prompt", "missing_required_parameter", "'prompt'")]
    [InlineData("""{"prompt":[]}""", "prompt", "empty_array", "empty array")]
    [InlineData("""{"prompt":[1,99999]}""", "prompt[1]", "invalid_value", "99999 is no token")]
    [InlineData("""{"prompt":["a",5]}""", "prompt[1]", "invalid_type", "array of strings")]
    [InlineData("""{"prompt":"a","suffix":"b"}""", "suffix", "unsupported_parameter", "suffix")]
    [InlineData("""{"prompt":"a","best_of":3}""", "best_of", "unsupported_parameter", "best_of")]
    [InlineData("""{"prompt":"a","echo":true,"logprobs":1}""", "echo", "unsupported_parameter", "echo")]
    [InlineData("""{"prompt":"a","logprobs":6}""", "logprobs", "integer_above_max_value", "<= 5")]
    [InlineData("""{"prompt":["a","b"],"n":100}""", "n", "integer_above_max_value", "128")]
    public async Task A_text_that_is_wrong(string body, string? param, string? code, string message) =>
        await RefusesAsync("/v1/completions", body, 400, param, code, message);

    [Fact]
    public async Task A_prompt_that_does_not_fit_is_told_with_its_length()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Context = 64 });
        string many = string.Join(' ', Enumerable.Repeat("dog", 200));

        Reply chat = await server.PostAsync("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{many}}"}]}""");
        Reply text = await server.PostAsync("/v1/completions", $$"""{"prompt":"{{many}}","stream":true}""");

        Check(chat, 400, "messages", "context_length_exceeded", "This model's maximum context length is 64 tokens. However, your messages resulted in 4");
        Check(text, 400, "prompt", "context_length_exceeded", "maximum context length is 64 tokens");
    }

    [Fact]
    public async Task Urls_methods_types_and_models_that_there_are_not()
    {
        await using TestServer server = await TestServer.StartAsync(model);

        Check(await server.GetAsync("/v1/chat"), 404, null, "unknown_url", "Unknown request URL: GET /v1/chat.");
        Check(await server.PostAsync("/v1/images/generations", "{}"), 404, null, "unknown_url", "POST /v1/images/generations");
        Check(await server.GetAsync("/v1/chat/completions"), 405, null, "method_not_supported", "Not allowed to GET on /v1/chat/completions.");
        Check(await server.GetAsync("/v1/models/gpt-4"), 404, null, "model_not_found", "The model `gpt-4` does not exist or you do not have access to it.");
        Check(await server.PostAsync("/v1/completions", """{"model":"gpt-4","prompt":"a"}"""), 404, null, "model_not_found", "gpt-4");
        using HttpResponseMessage form = await server.Http.PostAsync("/v1/completions", new StringContent("""{"prompt":"a"}""", new MediaTypeHeaderValue("text/plain")), TestContext.Current.CancellationToken);
        Check(await Reply.OfAsync(form), 415, null, "unsupported_content_type", "'application/json'");
    }

    [Fact]
    public async Task Without_a_template_conversations_are_refused_and_texts_answered()
    {
        await using TestServer server = await TestServer.StartAsync(model, hasTemplate: false);

        Check(await server.PostAsync("/v1/chat/completions", $$"""{"messages":[{{Message}}]}"""), 400, "messages", "no_chat_template", "--chat-template-file");
        (await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time"}""")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_key_is_asked_for_and_never_logged()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "sk-right-key\n", TestContext.Current.CancellationToken);
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Key = ApiKey.Read(file) });
        File.Delete(file);
        const string Body = """{"prompt":"Once upon a time","max_tokens":1}""";

        Reply none = await server.PostAsync("/v1/completions", Body);
        Reply wrong = await server.PostAsync("/v1/completions", Body, "sk-wrong-key");
        Check(none, 401, null, null, "You didn't provide an API key.");
        none.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
        Check(wrong, 401, null, "invalid_api_key", "Incorrect API key provided");
        (await server.PostAsync("/v1/completions", Body, "sk-right-key")).Status.ShouldBe(200);
        (await server.GetAsync("/metrics")).Status.ShouldBe(401);
        (await server.GetAsync("/v1/nothing")).Status.ShouldBe(401);
        (await server.GetAsync("/health")).Status.ShouldBe(200);
        (await server.GetAsync("/ready")).Status.ShouldBe(200);
        server.Log.ShouldNotContain("right-key");
        server.Log.ShouldNotContain("wrong-key");
    }

    [Fact]
    public async Task A_page_of_another_site_reaches_nothing_without_a_key()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = "rebound.example";

        using HttpResponseMessage response = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Check(await Reply.OfAsync(response), 403, null, "host_not_allowed", "localhost");
        response.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task Bytes_that_are_no_text()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        using var content = new ByteArrayContent([.. "{\"prompt\":\"a"u8, 0xFF, .. "\"}"u8]) { Headers = { ContentType = new("application/json") } };

        using HttpResponseMessage response = await server.Http.PostAsync("/v1/completions", content, TestContext.Current.CancellationToken);

        Check(await Reply.OfAsync(response), 400, null, null, "no valid Unicode");
        (await server.PostAsync("/v1/completions", """{"prompt":"\ud83d\ude00 \n","max_tokens":1}""")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Tokens_that_are_too_many_are_counted_and_not_read()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Context = 64 });

        Reply reply = await server.PostAsync("/v1/completions", $$"""{"prompt":[{{string.Join(',', Enumerable.Repeat("99999", 64))}}]}""");

        Check(reply, 400, "prompt", "context_length_exceeded", "your prompt has 64 tokens");
    }

    private async Task RefusesAsync(string path, string body, int status, string? param, string? code, string message)
    {
        await using TestServer server = await TestServer.StartAsync(model);
        Check(await server.PostAsync(path, body), status, param, code, message);
    }

    internal static void Check(Reply reply, int status, string? param, string? code, string message)
    {
        reply.Status.ShouldBe(status, reply.Body);
        reply.Error.GetProperty("message").GetString().ShouldNotBeNull().ShouldContain(message);
        reply.Error.GetProperty("param").GetString().ShouldBe(param);
        reply.Error.GetProperty("code").GetString().ShouldBe(code);
        reply.Error.GetProperty("type").GetString().ShouldBe("invalid_request_error");
        reply.Error.EnumerateObject().Select(property => property.Name).ShouldBe(["message", "type", "param", "code"]);
        reply.Json.EnumerateObject().Count().ShouldBe(1);
    }
}
