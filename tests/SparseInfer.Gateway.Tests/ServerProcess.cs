using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace SparseInfer.Gateway.Tests;

/// <summary>A <c>sparseinfer serve</c> of the bundled model, as a process.</summary>
internal sealed partial class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;

    private ServerProcess(Process process, string address)
    {
        _process = process;
        Address = address;
        _client = new HttpClient { BaseAddress = new Uri(address) };
    }

    public string Address { get; }

    public static async Task<ServerProcess> Start()
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "sparseinfer.dll"), "serve", Path.Combine(AppContext.BaseDirectory, "stories-relu.gguf"), "--port", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["SPARSEINFER_CACHE"] = Path.Combine(AppContext.BaseDirectory, "cache");
        start.Environment["SPARSEINFER_API_KEY"] = "";
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { }; // read, so that its log never waits
        process.BeginErrorReadLine();
        string line = (await process.StandardOutput.ReadLineAsync()).ShouldNotBeNull("the server did not start");
        return new ServerProcess(process, line.Split(' ')[^1]);
    }

    /// <summary>Answers that it computes now.</summary>
    public async Task<int> Running()
    {
        string metrics = await _client.GetStringAsync("/metrics");
        return int.Parse(RunningLine().Match(metrics).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Ends it where it stands.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
        _client.Dispose();
    }

    [GeneratedRegex(@"^sparseinfer_requests_running(?:\{[^}]*\})? (\d+)", RegexOptions.Multiline)]
    private static partial Regex RunningLine();
}
