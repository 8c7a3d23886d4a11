using System.Diagnostics;
using System.Text;

namespace SparseInfer.Cli.Tests;

/// <summary>The tool as its user has it: a process, with redirected streams.</summary>
internal static class ToolProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>A model file that is in the repository.</summary>
    public static string Gguf { get; } = Path.Combine(AppContext.BaseDirectory, "stories-relu.gguf");

    public static ToolResult Run(params string[] args)
    {
        using Process process = Start(args);
        return Finish(process);
    }

    public static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (string arg in (string[])[Path.Combine(AppContext.BaseDirectory, "sparseinfer.dll"), .. args])
        {
            start.ArgumentList.Add(arg);
        }

        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    public static ToolResult Finish(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The tool did not end within {Patience}.");
        }

        return new ToolResult(process.ExitCode, output.Result, error.Result);
    }
}

internal sealed record ToolResult(int ExitCode, string Output, string Error);
