using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace SparseInfer.Serve.Tests;

/// <summary>
/// Many clients at once, some of whom leave in the middle and some of whom read slowly: whoever stays gets the answer that a client alone gets. A short run;
/// <c>SPARSEINFER_SERVE_SECONDS</c> and <c>SPARSEINFER_SERVE_CLIENTS</c> make it a longer one, whose last line tells what memory did.
/// </summary>
public sealed class ConcurrencyTests(TestModel model)
{
    private static readonly int Seconds = Setting("SPARSEINFER_SERVE_SECONDS", 3);

    private static readonly int Clients = Setting("SPARSEINFER_SERVE_CLIENTS", 16);

    private static readonly string[] Prompts = ["Once upon a time", "The dog", "One day, a girl named Lily", "There was a big tree", "Tom and his mom", "The sun"];

    private static readonly string[] Modes = ["dense", "exact", "predicted"];

    private readonly long[] _memory = new long[8];

    [Fact]
    public async Task Every_answer_is_the_one_of_a_client_alone()
    {
        await using TestServer server = await TestServer.StartAsync(model, TestServer.Defaults with { Parallel = 8, Queue = 4 * Clients });
        string[] bodies = [.. Enumerable.Range(0, 24).Select(Body)];
        var expected = new string[bodies.Length];
        for (int i = 0; i < bodies.Length; i++)
        {
            expected[i] = Text(await server.StreamAsync("/v1/completions", bodies[i]));
        }

        var clock = Stopwatch.StartNew();
        int[][] counts = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => AskOnAsync(server, client, clock, bodies, expected))));

        counts.ShouldAllBe(count => count[0] > 0, "A client got no answer at all.");
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Clients} clients, {clock.Elapsed.TotalSeconds:0} s: {counts.Sum(count => count[0])} answers ({counts.Min(count => count[0])} to {counts.Max(count => count[0])} a client), {counts.Sum(count => count[1])} left early; memory in MiB, at eighths of the time: {string.Join(' ', _memory.Select(bytes => bytes >> 20))}"));
        while (server.Service!.ReadCounts() is not { Running: 0, Queued: 0 })
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Text(await server.StreamAsync("/v1/completions", bodies[0])).ShouldBe(expected[0]);
    }

    /// <summary>Asks until the time is over, and once more: whole answers, and those that were left.</summary>
    private async Task<int[]> AskOnAsync(TestServer server, int client, Stopwatch clock, string[] bodies, string[] expected)
    {
        var random = new Random(client);
        int[] count = [0, 0];
        while (count[0] == 0 || clock.Elapsed.TotalSeconds < Seconds)
        {
            int which = random.Next(bodies.Length);
            if (await AskAsync(server, bodies[which], random) is { } text)
            {
                text.ShouldBe(expected[which]);
                count[0]++;
            }
            else
            {
                count[1]++;
            }

            if (client == 0)
            {
                _memory[Math.Min((int)(8 * clock.Elapsed.TotalSeconds / Seconds), 7)] = Environment.WorkingSet;
            }
        }

        return count;
    }

    /// <summary>An answer's text; null: the client has left before its end.</summary>
    private static async Task<string?> AskAsync(TestServer server, string body, Random random)
    {
        bool isSlow = random.Next(5) == 0;
        int most = random.Next(4) == 0 ? random.Next(2000) : int.MaxValue;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new StringContent(body, new MediaTypeHeaderValue("application/json")) };
        using HttpResponseMessage response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.IsSuccessStatusCode.ShouldBeTrue();
        await using Stream stream = await response.Content.ReadAsStreamAsync();
        using var text = new MemoryStream();
        byte[] part = new byte[isSlow ? 64 : 4096];
        int read;
        while ((read = await stream.ReadAsync(part)) > 0)
        {
            text.Write(part, 0, read);
            if (text.Length > most)
            {
                return null;
            }

            if (isSlow)
            {
                await Task.Delay(2);
            }
        }

        string[] events = Encoding.UTF8.GetString(text.ToArray()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events[^1].ShouldBe("data: [DONE]");
        return Text([.. events[..^1].Select(item => JsonDocument.Parse(item["data: ".Length..]).RootElement)]);
    }

    private static string Body(int i) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"prompt":"{{Prompts[i % Prompts.Length]}}","max_tokens":{{8 + 5 * (i % 7)}},"temperature":{{(i % 4 == 0 ? "0" : "1.1")}},"seed":{{i}},"sparsity_mode":"{{Modes[i % 3]}}","stream":true}""");

    private static string Text(JsonElement[] events) => string.Concat(events.Select(item => item.GetProperty("choices")[0].GetProperty("text").GetString()));

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : usual;
}
