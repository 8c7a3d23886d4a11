using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway;

/// <summary>Clients of the servers, that tell a lost or full server from an answer.</summary>
internal sealed class ServerClientFactory(ILogger<ForwarderHttpClientFactory> logger) : ForwarderHttpClientFactory(logger)
{
    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        new ServerHandler { InnerHandler = base.WrapHandler(context, handler) };

    private sealed class ServerHandler : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests && OtherServers.CanTry(request))
            {
                var busy = new ServerBusyException((int)response.StatusCode, response.Headers.RetryAfter?.ToString());
                response.Dispose();
                throw busy;
            }

            if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
            {
                response.Content = new EventStreamContent(response.Content);
            }

            return response;
        }
    }
}
