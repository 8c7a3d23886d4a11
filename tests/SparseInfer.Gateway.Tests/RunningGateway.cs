using System.Text;
using System.Text.Json;
using Gateway;
using Microsoft.AspNetCore.Builder;

namespace SparseInfer.Gateway.Tests;

/// <summary>The sample's gateway in this process, on a port that is free.</summary>
internal sealed class RunningGateway : IAsyncDisposable
{
    private readonly WebApplication _gateway;
    private readonly HttpClient _client;

    private RunningGateway(WebApplication gateway)
    {
        _gateway = gateway;
        _client = new HttpClient { BaseAddress = new Uri(gateway.Urls.First()), Timeout = TimeSpan.FromMinutes(2) };
    }

    public static async Task<RunningGateway> Start(IEnumerable<string> servers, params string[] options)
    {
        WebApplication gateway = GatewayProgram.Build(
            ["--urls", "http://127.0.0.1:0", "--servers", string.Join(',', servers), "--Logging:LogLevel:Default", "None", .. options]);
        await gateway.StartAsync();
        return new RunningGateway(gateway);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
    }

    public Task<HttpResponseMessage> Get(string path) => _client.GetAsync(path);

    /// <summary>Asks, and has the answer whole, or as soon as it begins.</summary>
    public async Task<HttpResponseMessage> Post(string path, object body, bool whole = true, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
        };
        request.Headers.Host = host;
        return await _client.SendAsync(request, whole ? HttpCompletionOption.ResponseContentRead : HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Asks, and reads the answer whole.</summary>
    public async Task<(int Status, string Text)> Ask(string path, object body, string? host = null)
    {
        using HttpResponseMessage response = await Post(path, body, host: host);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
