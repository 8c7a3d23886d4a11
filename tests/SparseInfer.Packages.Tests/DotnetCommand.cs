using System.Diagnostics;
using System.Text;

namespace SparseInfer.Packages.Tests;

/// <summary>Runs <c>dotnet</c> as a user would in a terminal of its own: what the test run leaves in the environment is taken out.</summary>
internal static class DotnetCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>What speaks to MSBuild, NuGet or the test platform.</summary>
    private static readonly string[] Leaked =
        ["MSBUILD", "VSTEST", "TESTINGPLATFORM", "NUGET_PACKAGES", "NUGET_FALLBACK", "RESTORE", "ILGPU", "CONFIGURATION", "PLATFORM"];

    /// <summary>Runs it to its end.</summary>
    /// <param name="folder">The working directory.</param>
    /// <param name="keepsSources">Whether environment variables that say where packages are stay.</param>
    /// <param name="arguments">After <c>dotnet</c>.</param>
    public static CommandResult Run(string folder, bool keepsSources, params string[] arguments) =>
        Run(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", folder, keepsSources, arguments);

    /// <summary>The same with another program than <c>dotnet</c>.</summary>
    public static CommandResult Run(string program, string folder, bool keepsSources, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        IEnumerable<string> leaked = Leaked.Where(prefix => !keepsSources || prefix is "MSBUILD" or "VSTEST" or "TESTINGPLATFORM");
        foreach (string name in start.Environment.Keys.Where(name => leaked.Any(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase))).ToArray())
        {
            start.Environment.Remove(name);
        }

        // No process that stays behind and keeps files of a folder that goes away.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {Patience}.");
        }

        return new CommandResult(process.ExitCode, output.Result.ReplaceLineEndings("\n"), error.Result.ReplaceLineEndings("\n"));
    }
}

internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Fails with all that the command wrote, unless it succeeded.</summary>
    public CommandResult ShouldSucceed()
    {
        ExitCode.ShouldBe(0, Output + Error);
        return this;
    }
}
