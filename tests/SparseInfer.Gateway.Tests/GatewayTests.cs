using System.Text.Json;
using Gateway;

namespace SparseInfer.Gateway.Tests;

/// <summary>The gateway before servers that fail in every way.</summary>
public sealed class GatewayTests : IAsyncLifetime
{
    private const string Completions = "/v1/completions";
    private const string Chat = "/v1/chat/completions";
    private FakeServer[] _servers = [];

    public async ValueTask InitializeAsync() => _servers = [await FakeServer.Start(), await FakeServer.Start(), await FakeServer.Start()];

    public async ValueTask DisposeAsync()
    {
        foreach (FakeServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Turns_of_a_conversation_go_to_one_server_and_conversations_to_all()
    {
        await using RunningGateway gateway = await Start();
        var servers = new HashSet<string>();
        for (int conversation = 0; conversation < 24; conversation++)
        {
            var messages = new List<object> { new { role = "system", content = "Be short." }, new { role = "user", content = $"Question {conversation}" } };
            string first = Server((await gateway.Ask(Chat, new { messages })).Text);
            servers.Add(first);
            for (int turn = 0; turn < 3; turn++)
            {
                messages.Add(new { role = "assistant", content = $"Answer {turn}" });
                messages.Add(new { role = "user", content = $"And {turn}?" });
                Server((await gateway.Ask(Chat, new { model = "m", messages })).Text).ShouldBe(first);
            }
        }

        servers.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_busy_server_loses_new_turns_to_others()
    {
        await using RunningGateway gateway = await Start("--slack", "0");
        object body = new { messages = new[] { new { role = "user", content = "Hello" } } };
        FakeServer home = Of(Server((await gateway.Ask(Chat, body)).Text));
        var gate = new TaskCompletionSource();
        home.Gate = gate.Task;
        Task<(int, string)> held = gateway.Ask(Chat, body);
        await Until(() => home.Requests.Count == 2);
        Server((await gateway.Ask(Chat, body)).Text).ShouldNotBe(home.Name);
        gate.SetResult();
        Server((await held).Item2).ShouldBe(home.Name);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(429)]
    [InlineData(0)]
    public async Task What_one_server_cannot_answer_another_does_with_the_same_body(int status)
    {
        await using RunningGateway gateway = await Start();
        object body = new { prompt = "Once upon a time", temperature = 0 };
        FakeServer home = Of(Server((await gateway.Ask(Completions, body)).Text));
        home.Status = status == 0 ? 200 : status;
        home.Breaks = status == 0;
        (int answered, string text) = await gateway.Ask(Completions, body);
        answered.ShouldBe(200);
        Server(text).ShouldNotBe(home.Name);
        JsonDocument.Parse(text).RootElement.GetProperty("body").GetString().ShouldBe(JsonSerializer.Serialize(body));
        home.Requests.Count.ShouldBe(2, "it was asked first");
    }

    [Fact]
    public async Task Where_all_are_full_the_last_ones_refusal_is_the_answer()
    {
        await using RunningGateway gateway = await Start();
        Array.ForEach(_servers, server => server.Status = 429);
        using HttpResponseMessage response = await gateway.Post(Completions, new { prompt = "x" });
        ((int)response.StatusCode).ShouldBe(429);
        response.Headers.RetryAfter!.ToString().ShouldBe("3");
        (await response.Content.ReadAsStringAsync()).ShouldStartWith("429 of ");
        _servers.ShouldAllBe(server => server.Requests.Count == 1);
    }

    [Fact]
    public async Task A_server_that_was_full_is_asked_again_at_once()
    {
        await using RunningGateway gateway = await Start();
        Array.ForEach(_servers, server => server.Status = 429);
        for (int i = 0; i < 20; i++)
        {
            (await gateway.Ask(Completions, new { prompt = "x" })).Status.ShouldBe(429);
        }

        foreach (FakeServer free in _servers)
        {
            free.Status = 200;
            Server((await gateway.Ask(Completions, new { prompt = "x" })).Text).ShouldBe(free.Name, "being full is no fault");
            free.Status = 429;
        }
    }

    [Fact]
    public async Task Full_servers_beside_lost_ones_are_busy_and_not_gone()
    {
        _servers[0].Status = 429;
        await _servers[1].DisposeAsync();
        await _servers[2].DisposeAsync();
        await using RunningGateway gateway = await Start("--check-seconds", "3600");
        for (int i = 0; i < 6; i++)
        {
            using HttpResponseMessage response = await gateway.Post(Completions, new { prompt = $"{i}" });
            ((int)response.StatusCode).ShouldBe(429);
            response.Headers.RetryAfter!.ToString().ShouldBe("3");
        }
    }

    [Fact]
    public async Task Other_names_of_this_machine_are_refused_while_nobody_else_can_reach_it()
    {
        await using RunningGateway gateway = await Start();
        (await gateway.Ask(Completions, new { prompt = "x" }, host: "evil.example")).Status.ShouldBe(400);
        (await gateway.Ask(Completions, new { prompt = "x" }, host: "localhost:8080")).Status.ShouldBe(200);
        await using RunningGateway named = await Start("--AllowedHosts", "gateway.example");
        (await named.Ask(Completions, new { prompt = "x" }, host: "gateway.example")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"\\ud800\",\"content\":\"x\"}]}")]
    [InlineData("{\"prompt\":\"\\udc00\"}")]
    [InlineData("{\"messages\":[[],0,{\"role\":1}]}")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task Odd_bodies_are_a_servers_to_judge(string body)
    {
        await using RunningGateway gateway = await Start();
        (int status, string text) = await gateway.Ask(Chat, body);
        status.ShouldBe(200, text);
        JsonDocument.Parse(text).RootElement.GetProperty("body").GetString().ShouldBe(body);
    }

    [Fact]
    public async Task Errors_of_a_request_are_passed_on_as_they_are()
    {
        await using RunningGateway gateway = await Start();
        Array.ForEach(_servers, server => server.Status = 400);
        (int status, string text) = await gateway.Ask(Chat, "this is no JSON");
        status.ShouldBe(400);
        text.ShouldStartWith("400 of ");
        _servers.Sum(server => server.Requests.Count).ShouldBe(1);
    }

    [Fact]
    public async Task A_stream_that_breaks_ends_with_an_event_that_says_so()
    {
        await using RunningGateway gateway = await Start();
        object body = new { prompt = "x", stream = true };
        (int status, string text) = await gateway.Ask(Completions, body);
        status.ShouldBe(200);
        text.ShouldEndWith("data: [DONE]\n\n");
        FakeServer home = _servers.Single(server => !server.Requests.IsEmpty);

        home.Breaks = true;
        (status, text) = await gateway.Ask(Completions, body);
        status.ShouldBe(200);
        string[] events = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events.Length.ShouldBe(3, text);
        events[..2].ShouldAllBe(part => part.Contains(home.Name));
        JsonElement error = JsonDocument.Parse(events[2]["data: ".Length..]).RootElement.GetProperty("error");
        error.GetProperty("code").GetString().ShouldBe("server_lost");
        error.GetProperty("message").GetString()!.ShouldContain("Ask again");
    }

    [Fact]
    public async Task Without_any_server_the_answer_is_an_error_and_the_gateway_not_ready()
    {
        foreach (FakeServer server in _servers)
        {
            await server.DisposeAsync();
        }

        await using RunningGateway gateway = await Start();
        (int status, string text) = await gateway.Ask(Completions, new { prompt = "x" });
        status.ShouldBe(502);
        JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("code").GetString().ShouldBe("no_server");
        ((int)(await gateway.Get("/ready")).StatusCode).ShouldBe(503);
        ((int)(await gateway.Get("/health")).StatusCode).ShouldBe(200);
    }

    [Fact]
    public async Task A_server_that_is_not_ready_gets_nothing_and_comes_back()
    {
        await using RunningGateway gateway = await Start("--check-seconds", "0.1");
        object body = new { prompt = "Once" };
        FakeServer home = Of(Server((await gateway.Ask(Completions, body)).Text));
        home.Ready = false;
        await Until(async () => Server((await gateway.Ask(Completions, body)).Text) != home.Name);
        home.Ready = true;
        await Until(async () => Server((await gateway.Ask(Completions, body)).Text) == home.Name);
    }

    [Fact]
    public async Task A_body_past_the_limit_is_refused()
    {
        await using RunningGateway gateway = await Start("--max-body-mib", "0.01");
        (int status, string text) = await gateway.Ask(Completions, new { prompt = new string('a', 20_000) });
        status.ShouldBe(413);
        JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("type").GetString().ShouldBe("invalid_request_error");
        (await gateway.Ask(Completions, new { prompt = new string('a', 2_000) })).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("--servers", "", "There is no server")]
    [InlineData("--servers", "localhost", "'localhost' is not the address")]
    [InlineData("--servers", "ftp://a:1", "'ftp://a:1' is not the address")]
    [InlineData("--servers", "http://a:1/v1", "'http://a:1/v1' is not the address")]
    [InlineData("--servers", "http://a:1,http://a:1/", "a:1 is named twice")]
    [InlineData("--slack", "x", "--slack: 'x' is not a number of 0 to 1000000")]
    [InlineData("--check-seconds", "0", "--check-seconds: '0' is not a number of 0.1 to 3600")]
    public void Options_that_are_wrong_are_named(string name, string value, string message)
    {
        string[] arguments = name == "--servers" ? [name, value] : ["--servers", "http://a:1", name, value];
        Should.Throw<GatewayException>(() => GatewayProgram.Build(arguments)).Message.ShouldContain(message);
    }

    private static string Server(string answer) => JsonDocument.Parse(answer).RootElement.GetProperty("server").GetString()!;

    private static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    private static async Task Until(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            i.ShouldBeLessThan(1000);
            await Task.Delay(20);
        }
    }

    private Task<RunningGateway> Start(params string[] options) => RunningGateway.Start(_servers.Select(server => server.Address), options);

    private FakeServer Of(string name) => _servers.Single(server => server.Name == name);
}
