using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration.Memory;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;

namespace Gateway;

/// <summary>Puts the gateway together: YARP before several <c>sparseinfer serve</c>.</summary>
internal static class GatewayProgram
{
    private const string Cluster = "servers";
    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Builds it; it listens where <c>--urls</c> says, on 127.0.0.1:8080 without.</summary>
    /// <exception cref="GatewayException">The options are not understood.</exception>
    public static WebApplication Build(string[] arguments)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(arguments);
        GatewayOptions options = GatewayOptions.Read(builder.Configuration);
        string urls = builder.Configuration["urls"] is { Length: > 0 } own ? own : "http://127.0.0.1:8080";
        builder.WebHost.UseUrls(urls);
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?> { ["Logging:LogLevel:Yarp"] = "Warning", ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning" },
        });
        builder.Services.AddHostFiltering(filtering => filtering.AllowedHosts = Hosts(builder.Configuration["AllowedHosts"], urls));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = options.MaxBody);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<ILoadBalancingPolicy, ConversationPolicy>();
        builder.Services.AddSingleton<IForwarderHttpClientFactory, ServerClientFactory>();
        builder.Services.Configure<ConsecutiveFailuresHealthPolicyOptions>(health => health.DefaultThreshold = 2);
        builder.Services.AddReverseProxy()
            .LoadFromMemory([new RouteConfig { RouteId = "all", ClusterId = Cluster, Match = new RouteMatch { Path = "{**path}" } }], [Servers(options)])
            .AddTransforms(transforms => transforms.AddRequestTransform(OtherServers.Tell));

        WebApplication gateway = builder.Build();
        gateway.UseHostFiltering();
        gateway.MapMethods("/health", Reading, () => "ok\n");
        gateway.MapMethods("/ready", Reading, (IProxyStateLookup state) => Ready(state) ? Results.Text("ready\n") : Results.Text("no server is ready\n", statusCode: 503));
        gateway.MapReverseProxy(proxy =>
        {
            proxy.Use(Conversation.Read);
            proxy.Use(OtherServers.Try);
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
            proxy.Use(OtherServers.TellBusyFromBroken);
        });
        return gateway;
    }

    /// <summary>
    /// Names that the gateway answers to. A server that asks for no key answers this machine alone, and so must the gateway: else a page of another site, whose name points to
    /// 127.0.0.1, could ask.
    /// </summary>
    private static string[] Hosts(string? own, string urls) =>
        own is { Length: > 0 } ? own.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        : urls.Split(';').All(url => BindingAddress.Parse(url).Host is "localhost" or "127.0.0.1" or "[::1]") ? ["localhost", "127.0.0.1", "[::1]"]
        : ["*"];

    private static bool Ready(IProxyStateLookup state) =>
        state.TryGetCluster(Cluster, out ClusterState? cluster)
        && cluster.DestinationsState.AllDestinations.Any(server => server.Health.Active == DestinationHealth.Healthy && server.Health.Passive != DestinationHealth.Unhealthy);

    private static ClusterConfig Servers(GatewayOptions options) => new()
    {
        ClusterId = Cluster,
        LoadBalancingPolicy = ConversationPolicy.PolicyName,
        Destinations = options.Servers.ToDictionary(server => server.Key, server => new DestinationConfig { Address = server.Value.ToString() }),
        HealthCheck = new HealthCheckConfig
        {
            // Until every server was asked once, all count as healthy; where all are ill, they are tried all the same.
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Path = "/ready",
                Interval = options.CheckInterval,
                Timeout = options.CheckInterval,
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
            },
            Passive = new PassiveHealthCheckConfig
            {
                Enabled = true,
                Policy = HealthCheckConstants.PassivePolicy.TransportFailureRate,
                ReactivationPeriod = 2 * options.CheckInterval,
            },
        },

        // A request may wait in a server's queue without a byte, longer than YARP's 100 seconds.
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromMinutes(10) },
    };
}
