using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SparseInfer.Cli.Serve.Endpoints;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Page;

namespace SparseInfer.Cli.Serve;

/// <summary>The server: it listens from its start on, and answers when it has a model.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    /// <summary>Connections at a time: what waits and is computed is limited apart.</summary>
    private const int MaxConnections = 1024;

    private readonly WebApplication _app;
    private readonly ServerContext _server;

    private ApiServer(WebApplication app, ServerContext server)
    {
        _app = app;
        _server = server;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Begins to listen.</summary>
    /// <param name="options">Where, and within which limits.</param>
    /// <param name="log">Where requests are told of.</param>
    /// <exception cref="CliException">It cannot listen there.</exception>
    public static async Task<ApiServer> StartAsync(ServeOptions options, RequestLog log)
    {
        var state = new ServerState();
        var server = new ServerContext(options, state, new ServerMetrics(state), log);
        WebApplication app = Build(server);
        try
        {
            await app.StartAsync();
            return new ApiServer(app, server);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            await app.DisposeAsync();
            server.Metrics.Dispose();
            SocketError? error = ((exception as SocketException) ?? exception.InnerException as SocketException ?? exception.InnerException?.InnerException as SocketException)?.SocketErrorCode;
            string at = new IPEndPoint(options.Address, options.Port).ToString();
            throw new CliException(error switch
            {
                SocketError.AddressAlreadyInUse => $"{at} is in use: give another --port, or 0 for one that is free.",
                SocketError.AddressNotAvailable => $"{options.Address} is no address of this machine: give another --host.",
                SocketError.AccessDenied => $"{at}: this user may not listen there; give a --port of 1024 or more.",
                _ => $"the server cannot listen at {at}: {exception.Message}",
            });
        }
    }

    /// <summary>The model is there: from now on it answers.</summary>
    public void Open(ServedModel model) => _server.State.Open(model);

    /// <summary>The model is about to go.</summary>
    public void Close() => _server.State.Close();

    /// <summary>Takes no new request, lets running answers end as long as they may, and stops listening.</summary>
    public async Task StopAsync()
    {
        using var patience = new CancellationTokenSource(_server.Options.ShutdownTimeout);
        _server.State.BeginStop();
        if (_server.State.Model is { } model)
        {
            await model.Service.StopAsync(patience.Token);
        }

        if (patience.IsCancellationRequested)
        {
            _server.State.End();
        }

        // What was computed is still to be sent.
        using var sending = new CancellationTokenSource(_server.Options.WriteTimeout);
        await _app.StopAsync(sending.Token);
        _server.State.End();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _server.Metrics.Dispose();
        _server.State.Dispose();
    }

    private static WebApplication Build(ServerContext server)
    {
        // Empty: no variable of the environment and no file of settings changes what was asked for.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, server.Options));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication app = builder.Build();
        var pipeline = new Pipeline(server);
        app.Use(next => context => pipeline.RunAsync(context, next));
        var status = new StatusEndpoints(server);
        string[] looks = [HttpMethods.Get, HttpMethods.Head];
        app.MapMethods("/health", looks, status.HealthAsync);
        app.MapMethods("/ready", looks, status.ReadyAsync);
        app.MapPrometheusScrapingEndpoint(Gate.Metrics, server.Metrics.Provider, null, null).WithMetadata(new HttpMethodMetadata(looks));
        app.MapGet("/v1/models", (RequestDelegate)status.ModelsAsync);
        app.MapGet("/v1/models/{**name}", (RequestDelegate)status.ModelAsync);
        app.MapPost("/v1/chat/completions", (RequestDelegate)new ChatEndpoint(server).HandleAsync);
        app.MapPost("/v1/completions", (RequestDelegate)new CompletionEndpoint(server).HandleAsync);
        app.MapPost("/v1/embeddings", (RequestDelegate)new EmbeddingEndpoint(server).HandleAsync);
        var tokens = new TokenEndpoints(server);
        app.MapPost("/tokenize", (RequestDelegate)tokens.TokenizeAsync);
        app.MapPost("/detokenize", (RequestDelegate)tokens.DetokenizeAsync);
        var sparsity = new SparsityEndpoints(server);
        app.MapGet("/sparsity", (RequestDelegate)sparsity.FactsAsync);
        app.MapPost("/sparsity", (RequestDelegate)sparsity.MapAsync);
        app.MapPost("/sparsity/modes", (RequestDelegate)sparsity.ModesAsync);
        foreach (string path in PageFiles.Paths)
        {
            app.MapMethods(path, looks, PageFiles.SendAsync);
        }

        return app;
    }

    private static void Configure(KestrelServerOptions kestrel, ServeOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = options.MaxBody;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;

        // How long a client may take is said by --write-timeout.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Listen(options.Address, options.Port);
    }

    /// <summary>Signals are the tool's, not the host's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
