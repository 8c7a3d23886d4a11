using System.Text;
using System.Text.Json;

namespace SparseInfer.Gateway.Tests;

/// <summary>The gateway before three real servers.</summary>
public sealed class GatewayServerTests
{
    private const int Clients = 12;
    private const int Tokens = 480;

    [Fact]
    public async Task Of_a_killed_server_only_the_running_answers_end_and_all_later_requests_succeed()
    {
        ServerProcess[] servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ServerProcess.Start()));
        try
        {
            await using RunningGateway gateway = await RunningGateway.Start(servers.Select(server => server.Address));
            string[] expected = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Whole(gateway, client)));
            expected.Distinct().Count().ShouldBe(Clients, "each has a seed of its own");

            // All of them read the beginning of an answer that goes on for a while; then the busiest server is killed.
            var beginnings = new CountdownEvent(Clients);
            Task<(string Text, string? Error)>[] running = [.. Enumerable.Range(0, Clients).Select(client => Stream(gateway, client, () => beginnings.Signal()))];
            await Task.Run(() => beginnings.Wait(TimeSpan.FromMinutes(1)));
            int[] loads = await Task.WhenAll(servers.Select(server => server.Running()));
            ServerProcess victim = servers[loads.IndexOf(loads.Max())];
            victim.Kill();

            (string Text, string? Error)[] answers = await Task.WhenAll(running);
            for (int client = 0; client < Clients; client++)
            {
                if (answers[client].Error is { } error)
                {
                    error.ShouldBe("server_lost");
                    expected[client].ShouldStartWith(answers[client].Text, customMessage: "what came before is right");
                }
                else
                {
                    answers[client].Text.ShouldBe(expected[client]);
                }
            }

            int lost = answers.Count(answer => answer.Error is not null);
            lost.ShouldBeInRange(1, loads.Max());

            // At once, before anybody has asked that server whether it is ready.
            foreach (bool stream in (bool[])[true, false])
            {
                answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
                    stream ? await Stream(gateway, client, () => { }) : (await Whole(gateway, client), null)));
                answers.ShouldAllBe(answer => answer.Error == null);
                answers.Select(answer => answer.Text).ShouldBe(expected);
            }
        }
        finally
        {
            Array.ForEach(servers, server => server.Dispose());
        }
    }

    private static object Request(int client, bool stream) => new
    {
        prompt = $"Once upon a time, {(char)('A' + client)}",
        max_tokens = Tokens,
        seed = client,
        ignore_eos = true,
        stream,
    };

    private static async Task<string> Whole(RunningGateway gateway, int client)
    {
        (int status, string text) = await gateway.Ask("/v1/completions", Request(client, stream: false));
        status.ShouldBe(200, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!;
    }

    /// <summary>Reads a stream to its end, or to the error that ends it.</summary>
    private static async Task<(string Text, string? Error)> Stream(RunningGateway gateway, int client, Action begun)
    {
        using HttpResponseMessage response = await gateway.Post("/v1/completions", Request(client, stream: true), whole: false);
        ((int)response.StatusCode).ShouldBe(200);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var text = new StringBuilder();
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == "data: [DONE]")
            {
                return (text.ToString(), null);
            }

            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            JsonElement json = JsonDocument.Parse(line["data: ".Length..]).RootElement;
            if (json.TryGetProperty("error", out JsonElement error))
            {
                return (text.ToString(), error.GetProperty("code").GetString());
            }

            begun();
            begun = () => { };
            text.Append(json.GetProperty("choices")[0].GetProperty("text").GetString());
        }

        return (text.ToString(), "the stream has no end");
    }
}
