using System.Diagnostics;
using System.Text;

namespace SparseInfer.Stories.Tests;

/// <summary>The sample as its user has it: a process, with redirected streams.</summary>
internal static class StoriesProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly DirectoryInfo Framework = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>The repository's root: this assembly lies in tests/SparseInfer.Stories.Tests/bin/Release/net10.0.</summary>
    public static string Repository { get; } = Framework.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary>The model's folder in the sample's sources.</summary>
    public static string Models { get; } = Path.Combine(Repository, "samples", "Stories", "model");

    public static string Gguf { get; } = Path.Combine(Models, "stories-relu.gguf");

    /// <summary>The sample, built in the same configuration and for the same framework as these tests.</summary>
    private static string Program { get; } =
        Path.Combine(Repository, "samples", "Stories", "bin", Framework.Parent!.Name, Framework.Name, "Stories.dll");

    public static ProgramResult Run(params string[] args)
    {
        using Process process = Start(args);
        return Finish(process);
    }

    /// <summary>Runs it with a software CUDA device that fails on the way.</summary>
    public static ProgramResult RunOnFailingDevice(params string[] args)
    {
        using Process process = Start(args, startupHook: typeof(StartupHook).Assembly.Location);
        return Finish(process);
    }

    public static Process Start(params string[] args) => Start(args, startupHook: null);

    private static Process Start(string[] args, string? startupHook)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (string arg in (string[])[Program, .. args])
        {
            start.ArgumentList.Add(arg);
        }

        if (startupHook is not null)
        {
            start.Environment["DOTNET_STARTUP_HOOKS"] = startupHook;
        }

        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    public static ProgramResult Finish(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The sample did not end within {Patience}.");
        }

        return new ProgramResult(process.ExitCode, output.Result, error.Result);
    }
}

internal sealed record ProgramResult(int ExitCode, string Output, string Error);
