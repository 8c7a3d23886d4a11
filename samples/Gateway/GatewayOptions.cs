using System.Globalization;

namespace Gateway;

/// <summary>What the gateway was asked for: on the command line, in the environment, or in <c>appsettings.json</c>.</summary>
/// <param name="Servers">Addresses of the servers, by the names that logs have.</param>
/// <param name="CheckInterval">Time between two questions whether a server is ready.</param>
/// <param name="MaxBody">Bytes that a request may have. The gateway keeps a request until it is answered, so that another server can take it.</param>
/// <param name="Slack">Requests that the server of a conversation may have more than the least busy one before another takes them.</param>
internal sealed record GatewayOptions(IReadOnlyDictionary<string, Uri> Servers, TimeSpan CheckInterval, long MaxBody, int Slack)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="GatewayException">There is no server, or a value is not understood.</exception>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        string[] addresses = (configuration["servers"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (addresses.Length == 0)
        {
            throw new GatewayException("There is no server to pass requests to. Name them: --servers http://127.0.0.1:8081,http://127.0.0.1:8082");
        }

        var servers = new Dictionary<string, Uri>();
        foreach (string address in addresses)
        {
            if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/")
            {
                throw new GatewayException($"--servers: '{address}' is not the address of a server, such as http://127.0.0.1:8081.");
            }

            if (!servers.TryAdd(uri.Authority, uri))
            {
                throw new GatewayException($"--servers: {uri.Authority} is named twice.");
            }
        }

        return new GatewayOptions(
            servers,
            TimeSpan.FromSeconds(Number(configuration, "check-seconds", 2, 0.1, 3600)),
            (long)(Number(configuration, "max-body-mib", 4, 0.001, 1024) * (1 << 20)),
            (int)Number(configuration, "slack", 4, 0, 1e6));
    }

    private static double Number(IConfiguration configuration, string name, double byDefault, double least, double most) =>
        configuration[name] is not { } text ? byDefault
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most ? value
        : throw new GatewayException(string.Create(CultureInfo.InvariantCulture, $"--{name}: '{text}' is not a number of {least} to {most}."));
}

/// <summary>What the user has to change.</summary>
internal sealed class GatewayException(string message) : Exception(message);
