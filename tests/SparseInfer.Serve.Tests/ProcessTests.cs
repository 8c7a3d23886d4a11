using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Serve;

namespace SparseInfer.Serve.Tests;

/// <summary>The server as its user has it, a process: how it begins, how it ends, and what it says when it cannot begin.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-serve").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_lets_a_running_answer_end(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no 'kill' to send a signal with.");
        using Process process = Start([TestModel.Gguf, "--port", "0", "--temp", "0"], key: "secret");
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string line = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldNotBeNull();
        line.ShouldStartWith("stories-relu is served at http://127.0.0.1:");
        using var http = new HttpClient { BaseAddress = new Uri(line.Split(' ')[^1]) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = new StringContent("""{"prompt":"Once upon a time","max_tokens":300,"ignore_eos":true,"stream":true}""", new MediaTypeHeaderValue("application/json")),
        };
        using HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        using (Process kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        text.ShouldEndWith("data: [DONE]\n\n");
        process.ExitCode.ShouldBe(0, await error);
        (await error).ShouldNotContain("secret");
    }

    [Fact]
    public void What_it_cannot_begin_with_is_one_line()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        string port = ((IPEndPoint)taken.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        string empty = Path.Combine(_folder, "empty");
        File.WriteAllText(empty, "\n");
        string two = Path.Combine(_folder, "two");
        File.WriteAllText(two, "one\ntwo\n");
        string page = Path.Combine(_folder, "page.gguf");
        File.WriteAllText(page, "<!DOCTYPE html><html></html>");

        Fails("is in use: give another --port", TestModel.Gguf, "--port", port);
        Fails("--host no.such.name.invalid is no address", TestModel.Gguf, "--host", "no.such.name.invalid");
        Fails("192.0.2.7 is no address of this machine", TestModel.Gguf, "--host", "192.0.2.7", "--port", "0");
        Fails("--port takes a whole number", TestModel.Gguf, "--port", "70000");
        Fails("no-such-file", TestModel.Gguf, "--api-key-file", Path.Combine(_folder, "no-such-file"));
        Fails("holds no key", TestModel.Gguf, "--api-key-file", empty);
        Fails("holds no key", TestModel.Gguf, "--api-key-file", two);
        Fails("page.gguf", page, "--port", "0");
        Fails("no-such-model.gguf", "no-such-model.gguf", "--port", "0");
        Fails("--ctx-size 4096 is more than the model's context", TestModel.Gguf, "--port", "0", "--ctx-size", "4096");
        Fails("--chat-template-file", TestModel.Gguf, "--port", "0", "--chat-template-file", Path.Combine(_folder, "no.jinja"));
        Fails("give a model: sparseinfer serve MODEL");
    }

    private static void Fails(string message, params string[] args)
    {
        using Process process = Start(args);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();

        process.ExitCode.ShouldBe(1, error);
        output.Result.ShouldBeEmpty();
        string line = error.TrimEnd().Split('\n').Last();
        line.ShouldStartWith("sparseinfer: ");
        line.ShouldContain(message);
    }

    private static Process Start(string[] args, string key = "")
    {
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "sparseinfer.dll"), "serve", .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[CompiledCache.FolderVariable] = Path.Combine(AppContext.BaseDirectory, "cache");
        start.Environment[ApiKey.Variable] = key;
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }
}
