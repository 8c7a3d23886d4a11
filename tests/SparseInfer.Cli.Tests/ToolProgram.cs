using System.Diagnostics;
using System.Text;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Tests;

/// <summary>The tool as its user has it: a process, with redirected streams.</summary>
internal static class ToolProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>A model file that is in the repository.</summary>
    public static string Gguf { get; } = Path.Combine(AppContext.BaseDirectory, "stories-relu.gguf");

    /// <summary>What runs it.</summary>
    public static string Dotnet { get; } = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>The tool's assembly.</summary>
    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "sparseinfer.dll");

    public static ToolResult Run(params string[] args) => RunProgram(Dotnet, [Assembly, .. args]);

    /// <summary>
    /// The same without a process, whose compiler would begin from nothing each time. A process is needed for signals, standard input, and to show that the streams are
    /// those of the console.
    /// </summary>
    public static ToolResult Call(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = Task.Run(() => CommandLine.RunAsync(args, TextWriter.Synchronized(output), TextWriter.Synchronized(error))).GetAwaiter().GetResult();
        return new ToolResult(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs another program that runs the tool.</summary>
    public static ToolResult RunProgram(string program, params string[] args)
    {
        using Process process = StartProgram(program, args);
        return Finish(process);
    }

    public static Process Start(params string[] args) => StartProgram(Dotnet, [Assembly, .. args]);

    /// <summary>Starts the tool with an input that can be written to.</summary>
    public static Process Start(bool keepsInput, string[] args) => StartProgram(Dotnet, [Assembly, .. args], keepsInput);

    private static Process StartProgram(string program, string[] args, bool keepsInput = false)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };

        // Not the user's own.
        start.Environment[CompiledCache.FolderVariable] = Path.Combine(AppContext.BaseDirectory, "cache");

        // It ends before code that was measured to be compiled better is any faster.
        start.Environment["DOTNET_TieredPGO"] = "0";
        Process process = Process.Start(start)!;
        if (!keepsInput)
        {
            process.StandardInput.Close();
        }

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
