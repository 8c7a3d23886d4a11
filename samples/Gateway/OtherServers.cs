using System.Net;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;

namespace Gateway;

/// <summary>
/// Gives a request that has no byte of an answer yet to another server, where the first cannot be reached, goes away, stops or is full. Nothing is lost by that: servers keep nothing
/// of a request but what makes the next one faster.
/// </summary>
internal static class OtherServers
{
    private static readonly HttpRequestOptionsKey<bool> HasOther = new("another server can be tried");
    private static readonly object Key = new();

    /// <summary>Whether a server's answer can be left for another server's.</summary>
    public static bool CanTry(HttpRequestMessage request) => request.Options.TryGetValue(HasOther, out bool other) && other;

    /// <summary>Tells the request to a server whether there is another.</summary>
    public static ValueTask Tell(RequestTransformContext transform)
    {
        transform.ProxyRequest.Options.Set(HasOther, transform.HttpContext.Items[Key] is true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Asks one server after the other until one answers.</summary>
    public static async Task Try(HttpContext context, Func<Task> next)
    {
        IReverseProxyFeature proxy = context.GetReverseProxyFeature();
        List<DestinationState> left = [.. proxy.AvailableDestinations];
        while (true)
        {
            context.Items[Key] = left.Count > 1;
            await next();
            if (context.GetForwarderErrorFeature() is not { } error || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            left.Remove(proxy.ProxiedDestination!);
            if (left.Count == 0)
            {
                await Refuse(context, error.Error);
                return;
            }

            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            context.Request.Body.Position = 0;
            proxy.AvailableDestinations = left;
        }
    }

    private static Task Refuse(HttpContext context, ForwarderError error)
    {
        context.Response.Clear();
        context.Response.StatusCode = error == ForwarderError.RequestTimedOut ? (int)HttpStatusCode.GatewayTimeout : (int)HttpStatusCode.BadGateway;
        return context.Response.WriteAsJsonAsync(GatewayError.Of("No server could be reached. Ask again in a moment.", "no_server"));
    }
}
