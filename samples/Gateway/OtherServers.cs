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
    private static readonly object IsThereAnother = new();
    private static readonly object Busy = new();

    /// <summary>Whether a server's answer can be left for another server's.</summary>
    public static bool CanTry(HttpRequestMessage request) => request.Options.TryGetValue(HasOther, out bool other) && other;

    /// <summary>Tells the request to a server whether there is another.</summary>
    public static ValueTask Tell(RequestTransformContext transform)
    {
        transform.ProxyRequest.Options.Set(HasOther, transform.HttpContext.Items[IsThereAnother] is true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Asks one server after the other until one answers.</summary>
    public static async Task Try(HttpContext context, Func<Task> next)
    {
        IReverseProxyFeature proxy = context.GetReverseProxyFeature();
        List<DestinationState> left = [.. proxy.AvailableDestinations];
        ServerBusyException? busy = null;
        while (true)
        {
            context.Items[IsThereAnother] = left.Count > 1;
            await next();
            var saysSo = context.Items[Busy] as ServerBusyException;
            busy = saysSo ?? busy;
            if ((saysSo is null && context.GetForwarderErrorFeature() is null) || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            left.Remove(proxy.ProxiedDestination!);
            if (left.Count == 0)
            {
                await Refuse(context, busy);
                return;
            }

            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
            context.Items.Remove(Busy);
            context.Request.Body.Position = 0;
            proxy.AvailableDestinations = left;
        }
    }

    /// <summary>A server that says that it is full is no broken one: what watches for these must not see it.</summary>
    public static async Task TellBusyFromBroken(HttpContext context, Func<Task> next)
    {
        await next();
        if (context.GetForwarderErrorFeature()?.Exception is ServerBusyException busy)
        {
            context.Items[Busy] = busy;
            context.Features.Set<IForwarderErrorFeature>(null);
        }
    }

    private static Task Refuse(HttpContext context, ServerBusyException? busy)
    {
        if (busy is null)
        {
            bool isTimeout = context.GetForwarderErrorFeature()?.Error == ForwarderError.RequestTimedOut;
            return GatewayError.Write(
                context, isTimeout ? StatusCodes.Status504GatewayTimeout : StatusCodes.Status502BadGateway, "No server could be reached. Ask again in a moment.", "server_error", "no_server");
        }

        context.Response.OnStarting(() =>
        {
            context.Response.Headers.RetryAfter = busy.RetryAfter ?? "1";
            return Task.CompletedTask;
        });
        return GatewayError.Write(context, busy.Status, "Every server that can be reached is busy. Ask again in a moment.", "requests", "rate_limit_exceeded");
    }
}
