using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace SparseInfer.Serve.Tests;

/// <summary>How a server says how it is; what it does at its limits and at its end.</summary>
public sealed class StatusTests(TestModel model)
{
    private const string Long = """{"prompt":"Once upon a time","max_tokens":400,"ignore_eos":true,"stream":true}""";

    [Fact]
    public async Task While_it_loads_it_is_healthy_and_not_ready()
    {
        await using TestServer server = await TestServer.StartAsync(null);

        (await server.GetAsync("/health")).Body.ShouldBe("""{"status":"ok"}""");
        Reply ready = await server.GetAsync("/ready");
        ready.Status.ShouldBe(503);
        ready.Body.ShouldBe("""{"status":"loading"}""");
        Reply answer = await server.PostAsync("/v1/completions", """{"prompt":"a"}""");
        answer.Status.ShouldBe(503);
        answer.Headers.RetryAfter.ShouldNotBeNull();
        answer.Error.GetProperty("message").GetString().ShouldBe("The model is being loaded.");
        (await server.GetAsync("/metrics")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Models_are_listed()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Alias = "my/story model" });

        JsonElement list = (await server.GetAsync("/v1/models")).Json;
        JsonElement one = (await server.GetAsync("/v1/models/my/story%20model")).Json;

        (await server.GetAsync("/v1/models/my%2Fstory%20model")).Json.GetRawText().ShouldBe(one.GetRawText());
        list.GetProperty("object").GetString().ShouldBe("list");
        list.GetProperty("data")[0].GetRawText().ShouldBe(one.GetRawText());
        one.GetProperty("id").GetString().ShouldBe("my/story model");
        one.GetProperty("object").GetString().ShouldBe("model");
        one.GetProperty("owned_by").GetString().ShouldBe("sparseinfer");
        (await server.PostAsync("/v1/completions", """{"model":"my/story model","prompt":"a"}""")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task What_it_does_is_counted_as_prometheus_reads_it()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":40,"ignore_eos":true}""");
        await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":40,"ignore_eos":true}""");

        string text = (await server.GetAsync("/metrics")).Body;

        Value(text, "sparseinfer_generated_tokens_total").ShouldBe(80);
        Value(text, "sparseinfer_prompt_tokens_total").ShouldBe(10);
        Value(text, "sparseinfer_cached_tokens_total").ShouldBeGreaterThan(0);
        Value(text, "sparseinfer_generated_tokens_per_second").ShouldBeGreaterThan(0);
        Value(text, "sparseinfer_requests_running").ShouldBe(0);
        Value(text, "sparseinfer_requests_queued").ShouldBe(0);
        Value(text, "sparseinfer_answers_total", "outcome=\"answered\"").ShouldBe(2);
        Value(text, "sparseinfer_time_to_first_token_seconds_count").ShouldBe(2);
        Value(text, "sparseinfer_neurons_inactive", "layer=\"0\"").ShouldBeInRange(0.3, 1);
        Value(text, "http_server_request_duration_seconds_count", "http_response_status_code=\"200\"").ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_full_queue_says_when_to_come_again()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Parallel = 1, Queue = 0 });

        // A request's own answers wait for each other.
        (await server.PostAsync("/v1/completions", """{"prompt":"a","n":3,"max_tokens":2}""")).Status.ShouldBe(200);
        using HttpResponseMessage running = await BeginAsync(server, Long);

        Reply refused = await server.PostAsync("/v1/completions", """{"prompt":"a","stream":true}""");

        refused.Status.ShouldBe(429);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        refused.Error.GetProperty("code").GetString().ShouldBe("rate_limit_exceeded");
        refused.Error.GetProperty("type").GetString().ShouldBe("requests");
        refused.Error.GetProperty("message").GetString().ShouldNotBeNull().ShouldMatch("^The server is busy: .* Try again in [0-9]+ s\\.$");
        refused.Body.ShouldNotContain("ModelServiceOptions");
    }

    [Fact]
    public async Task A_request_that_is_taken_has_all_its_answers_at_the_end_too()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Parallel = 1, Queue = 1 });
        using HttpResponseMessage running = await BeginAsync(server, """{"prompt":"Once upon a time","n":6,"max_tokens":60,"ignore_eos":true,"stream":true}""");

        (await server.PostAsync("/v1/completions", """{"prompt":"a"}""")).Status.ShouldBe(429);
        Task stopped = server.StopAsync();
        string text = await running.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        await stopped;

        text.ShouldEndWith("data: [DONE]\n\n");
        text.Split("\"finish_reason\":\"length\"").Length.ShouldBe(7);
    }

    [Fact]
    public async Task At_its_end_it_waits_for_no_body()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { WriteTimeout = TimeSpan.FromMinutes(10) });
        using TcpClient client = await SendAsync(server, "{", 1000);
        await Task.Delay(200, TestContext.Current.CancellationToken);

        await server.StopAsync().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        using var reader = new StreamReader(client.GetStream());
        (await reader.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe("HTTP/1.1 503 Service Unavailable");
    }

    [Fact]
    public async Task Long_bodies_have_room_together_and_short_ones_always()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { MaxBody = 200_000, MaxBodies = 200_000 });
        string large = $$"""{"prompt":"{{new string('a', 150_000)}}"}""";
        TcpClient held = await SendAsync(server, new string(' ', 150_000), 160_000);
        try
        {
            Reply refused;
            while ((refused = await server.PostAsync("/v1/completions", large)).Status != 429)
            {
                // This one may have come first, and the one that never ends been refused in its place: sent anew.
                refused.Status.ShouldBe(400);
                held.Dispose();
                held = await SendAsync(server, new string(' ', 150_000), 160_000);
            }

            refused.Headers.RetryAfter.ShouldNotBeNull();
            (await server.PostAsync("/v1/completions", """{"prompt":"a","max_tokens":1}""")).Status.ShouldBe(200);
        }
        finally
        {
            held.Dispose();
        }

        while ((await server.PostAsync("/v1/completions", large)).Status == 429)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Metrics_are_looked_at_and_no_more()
    {
        await using TestServer server = await TestServer.StartAsync(null);

        (await server.PostAsync("/metrics", "{}")).Status.ShouldBe(405);
        (await server.GetAsync("/metrics/x")).Status.ShouldBe(503);
        using HttpResponseMessage head = await server.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/metrics"), TestContext.Current.CancellationToken);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Too_much_and_too_long_are_refused()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { MaxBody = 1000, RequestTimeout = TimeSpan.FromMilliseconds(30), Generation = new() { MaxTokens = 450 } });

        Reply large = await server.PostAsync("/v1/completions", $$"""{"prompt":"{{new string('a', 2000)}}"}""");
        Reply many = await server.PostAsync("/v1/completions", """{"prompt":"a","max_tokens":451}""");
        Reply slow = await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":450,"ignore_eos":true}""");

        large.Status.ShouldBe(413);
        large.Error.GetProperty("message").GetString().ShouldBe("Maximum content size limit (1000) exceeded.");
        many.Error.GetProperty("message").GetString().ShouldNotBeNull().ShouldStartWith("max_tokens is too large: 451.");
        slow.Status.ShouldBe(504);
        slow.Error.GetProperty("code").GetString().ShouldBe("timeout");
        slow.Error.GetProperty("message").GetString().ShouldBe("Request timed out after 0.03 seconds.");
    }

    [Fact]
    public async Task Who_does_not_read_is_left()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { WriteTimeout = TimeSpan.FromMilliseconds(100) });
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port, TestContext.Current.CancellationToken);
        byte[] body = Encoding.UTF8.GetBytes($$"""{"content":"{{string.Concat(Enumerable.Repeat("a b ", 250_000))}}","with_pieces":true}""");
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(body, TestContext.Current.CancellationToken);

        while (!server.Log.Contains("does not read", StringComparison.Ordinal))
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        (await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":4}""")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task At_its_end_running_answers_end_and_no_other_is_taken()
    {
        await using TestServer server = await TestServer.StartAsync(model);
        using HttpResponseMessage running = await BeginAsync(server, Long);

        // Connections from before are where requests can still come from.
        (await server.GetAsync("/ready")).Status.ShouldBe(200);
        Task stopped = server.StopAsync();
        Reply ready = await server.GetAsync("/ready");
        Reply refused = await server.PostAsync("/v1/completions", """{"prompt":"a"}""");
        string text = await running.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        await stopped;

        ready.Body.ShouldBe("""{"status":"stopping"}""");
        refused.Status.ShouldBe(503);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        text.ShouldEndWith("data: [DONE]\n\n");
    }

    [Fact]
    public async Task Answers_that_do_not_end_in_time_end_with_an_error()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { ShutdownTimeout = TimeSpan.FromMilliseconds(1) });
        using HttpResponseMessage running = await BeginAsync(server, Long);

        await server.StopAsync();

        string text = await running.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        text.ShouldNotContain("[DONE]");
        text.ShouldContain("The server is shutting down.");
    }

    [Fact]
    public async Task The_log_has_a_line_for_a_request_and_no_text()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Json = true });
        await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","max_tokens":4}""");
        await server.PostAsync("/v1/completions", """{"prompt":"Once upon a time","n":0}""");
        await server.PostAsync("/v1/completions", """{"prompt":"a","Once":1}""");
        await server.PostAsync("/v1/completions", """{"prompt":"a","model":"Once"}""");
        await server.PostAsync("/v1/chat/completions", """{"messages":[{"role":"Once","content":"a"}]}""");
        await server.StopAsync();

        JsonElement[] lines = [.. server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        lines.Length.ShouldBe(5);
        lines[0].GetProperty("status").GetInt32().ShouldBe(200);
        lines[0].GetProperty("completion_tokens").GetInt32().ShouldBe(4);
        lines[1].GetProperty("status").GetInt32().ShouldBe(400);
        lines[1..].Select(line => line.GetProperty("error").GetString()).ShouldBe(["integer_below_min_value n", "unknown_parameter", "model_not_found", "invalid_value messages[0].role"]);
        server.Log.ShouldNotContain("Once");
    }

    /// <summary>A request whose body does not come to its end.</summary>
    private static async Task<TcpClient> SendAsync(TestServer server, string begin, int length)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port, TestContext.Current.CancellationToken);
        string text = $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{begin}";
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);
        return client;
    }

    /// <summary>An answer that has begun.</summary>
    private static async Task<HttpResponseMessage> BeginAsync(TestServer server, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json").MediaType!) };
        HttpResponseMessage response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return response;
    }

    private static double Value(string text, string name, string label = "") =>
        double.Parse(text.Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] is ' ' or '{' && line.Contains(label, StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
}
