using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace SparseInfer.Gateway.Tests;

/// <summary>A server with the ways to fail that a real one has. Its answers say which server it is, and repeat the request's body.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _server;

    private FakeServer(WebApplication server) => _server = server;

    /// <summary>What it answers instead of an answer; 200: an answer.</summary>
    public int Status { get; set; } = 200;

    /// <summary>Whether it says that it is ready.</summary>
    public bool Ready { get; set; } = true;

    /// <summary>Whether it breaks the connection: before an answer, or of a stream after two events and a part of the third.</summary>
    public bool Breaks { get; set; }

    /// <summary>While it is not completed, answers wait for it.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Bodies of the requests that came.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public string Address { get; private set; } = "";

    public string Name => new Uri(Address).Authority;

    public static async Task<FakeServer> Start()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication application = builder.Build();
        var server = new FakeServer(application);
        application.MapGet("/ready", () => server.Ready ? Results.Ok() : Results.StatusCode(503));
        application.MapPost("/v1/{**path}", server.Answer);
        await application.StartAsync();
        server.Address = application.Urls.First();
        return server;
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task Answer(HttpContext context)
    {
        string body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        Requests.Enqueue(body);
        await Gate;
        if (Status != 200)
        {
            context.Response.StatusCode = Status;
            context.Response.Headers.RetryAfter = "3";
            await context.Response.WriteAsync($"{Status} of {Name}");
            return;
        }

        if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            if (Breaks)
            {
                context.Abort();
                return;
            }

            await context.Response.WriteAsJsonAsync(new { server = Name, body });
            return;
        }

        context.Response.ContentType = "text/event-stream";
        for (int i = 0; i < 3; i++)
        {
            string text = $"data: {JsonSerializer.Serialize(new { server = Name, piece = i })}\n\n";
            await context.Response.WriteAsync(Breaks && i == 2 ? text[..9] : text);
            await context.Response.Body.FlushAsync();
        }

        if (Breaks)
        {
            await Task.Delay(50); // what was written reaches the gateway before the connection breaks
            context.Abort();
            return;
        }

        await context.Response.WriteAsync("data: [DONE]\n\n");
    }
}
