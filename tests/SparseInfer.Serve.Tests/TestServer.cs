using System.Net.Http.Headers;
using System.Text.Json;
using SparseInfer.Cli.Serve;
using SparseInfer.Serving;

namespace SparseInfer.Serve.Tests;

/// <summary>A server in this process, at a free port, and a client of it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>A template that takes turns as it finds them, but for two things, so that something can be refused.</summary>
    private const string Template = """
        {%- if messages|selectattr("role", "equalto", "system")|list|length > 1 %}{{ raise_exception("One system only") }}{% endif -%}
        {%- for message in messages %}{{ message.role }}: {{ message.content }}
        {% endfor -%}
        {%- if mood is defined %}({{ mood }}) {% endif -%}
        {%- if add_generation_prompt %}assistant:{% endif %}
        """;

    private readonly ApiServer _server;
    private readonly SharedText _log;

    private TestServer(ApiServer server, ModelService? service, ServeOptions options, SharedText log)
    {
        _server = server;
        Service = service;
        Options = options;
        _log = log;
        Http = new HttpClient { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(2) };
    }

    public ServeOptions Options { get; }

    /// <summary>What answers; null: it is still loading.</summary>
    public ModelService? Service { get; }

    public Uri Address => _server.Address;

    public HttpClient Http { get; }

    /// <summary>What was logged.</summary>
    public string Log => _log.ToString();

    /// <summary>What requests get that do not say: the likeliest tokens, so that answers can be compared.</summary>
    public static ServeOptions Defaults { get; } = new()
    {
        Model = new() { File = null!, Device = "cpu" },
        Generation = new() { MaxTokens = int.MaxValue, Temperature = 0 },
    };

    /// <summary>Starts a server.</summary>
    /// <param name="model">The model; null: it does not come to be loaded.</param>
    /// <param name="options">Its options; null: <see cref="Defaults"/>.</param>
    /// <param name="hasTemplate">Whether it answers conversations.</param>
    public static async Task<TestServer> StartAsync(TestModel? model, ServeOptions? options = null, bool hasTemplate = true)
    {
        options ??= Defaults;
        var log = new SharedText();
        ApiServer server = await ApiServer.StartAsync(options, new RequestLog(log, options.Json));
        if (model is null)
        {
            return new(server, null, options, log);
        }

        var service = new ModelService(model.Model, new()
        {
            MaxRunning = options.Parallel,
            MaxQueued = options.Queue,
            Context = options.Context,
            ChatTemplate = hasTemplate ? ChatTemplate.Parse(Template) : null,
            Matryoshka = options.Matryoshka,
            MeterEvery = 8,
        });
        server.Open(new(options.Alias ?? TestModel.Name, 1700000000, "fp_0123456789", service));
        return new(server, service, options, log);
    }

    /// <summary>Asks the server to end, as a signal does.</summary>
    public Task StopAsync() => _server.StopAsync();

    /// <summary>Posts JSON.</summary>
    public async Task<Reply> PostAsync(string path, string json, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Authorization = key is null ? null : new("Bearer", key);
        using HttpResponseMessage response = await Http.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    /// <summary>Gets something.</summary>
    public async Task<Reply> GetAsync(string path)
    {
        using HttpResponseMessage response = await Http.GetAsync(path);
        return await Reply.OfAsync(response);
    }

    /// <summary>Posts JSON, and reads the events of the answer: the last one has to be the end.</summary>
    public async Task<JsonElement[]> StreamAsync(string path, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, new MediaTypeHeaderValue("application/json")) };
        using HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        string body = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, body);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        string[] events = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        events.ShouldAllBe(text => text.StartsWith("data: "));
        events[^1].ShouldBe("data: [DONE]");
        return [.. events[..^1].Select(text => JsonDocument.Parse(text["data: ".Length..]).RootElement)];
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _server.Close();
        if (Service is not null)
        {
            await Service.DisposeAsync();
        }

        await _server.DisposeAsync();
    }

    /// <summary>Lines that one thread writes while another reads them.</summary>
    private sealed class SharedText : StringWriter
    {
        private readonly Lock _lock = new();

        public override void WriteLine(string? value)
        {
            lock (_lock)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }
    }
}

/// <summary>What a server answered.</summary>
internal sealed record Reply(int Status, string Body, HttpResponseHeaders Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public JsonElement Error => Json.GetProperty("error");

    public static async Task<Reply> OfAsync(HttpResponseMessage response) => new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers);
}
