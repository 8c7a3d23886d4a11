using System.Net;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Page;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>Which requests come in: those that know the key, ask for this machine, and find the model loaded.</summary>
/// <param name="server">What all requests share.</param>
internal sealed class Gate(ServerContext server)
{
    private const string Bearer = "Bearer ";

    /// <summary>Who asks how the server is has no key: a load balancer, a container's probe.</summary>
    public static readonly PathString[] Open = ["/health", "/ready"];

    /// <summary>What works without the model.</summary>
    public static readonly PathString Metrics = "/metrics";

    /// <summary>Lets a request pass.</summary>
    /// <exception cref="ApiException">It may not.</exception>
    public void Check(HttpContext context)
    {
        if (Open.Contains(context.Request.Path))
        {
            return;
        }

        CheckHost(context.Request);
        if (PageFiles.Has(context.Request.Path))
        {
            return;
        }

        CheckKey(context.Request);
        if (context.Request.Path != Metrics)
        {
            CheckPhase();
        }
    }

    /// <summary>
    /// A page of another site, whose name its owner lets point to this machine, is of one origin with this server for a browser. Only its name tells.
    /// </summary>
    private void CheckHost(HttpRequest request)
    {
        if (server.Options.Key is null && server.Options.IsLoopback && request.Host.HasValue && !IsLocal(request.Host.Host))
        {
            throw ApiException.WrongHost();
        }
    }

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    private void CheckKey(HttpRequest request)
    {
        if (server.Options.Key is not { } key)
        {
            return;
        }

        string said = request.Headers.Authorization.ToString();
        if (!said.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) || said.Length == Bearer.Length)
        {
            throw ApiException.NoKey();
        }

        if (!key.Is(said[Bearer.Length..].Trim()))
        {
            throw ApiException.WrongKey();
        }
    }

    private void CheckPhase()
    {
        if (server.State.Phase == ServerPhase.Stopping)
        {
            throw ApiException.Stopping();
        }

        if (server.State.Phase == ServerPhase.Loading)
        {
            throw ApiException.Unavailable("The model is being loaded.", TimeSpan.FromSeconds(2));
        }

        if (server.State.Fault is { } fault)
        {
            throw ApiException.Unavailable($"The server cannot answer any more: {fault}");
        }
    }
}
