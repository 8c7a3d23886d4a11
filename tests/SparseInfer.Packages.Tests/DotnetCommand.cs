using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace SparseInfer.Packages.Tests;

/// <summary>Runs <c>dotnet</c> as in a terminal of its own: what the test run leaves in the environment is taken out.</summary>
internal static class DotnetCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly string[] OfTheTestRun = ["MSBUILD", "VSTEST", "TESTINGPLATFORM"];

    /// <summary>Where the repository's build has its packages from, and how it was made: nothing that a user's project inherits.</summary>
    private static readonly string[] OfTheBuild = ["NUGET_PACKAGES", "NUGET_FALLBACK", "RESTORE", "ILGPU", "CONFIGURATION", "PLATFORM"];

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
        string[] leaked = keepsSources ? OfTheTestRun : [.. OfTheTestRun, .. OfTheBuild];
        bool HasLeaked(string name) => leaked.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
        foreach (string name in start.Environment.Keys.Where(HasLeaked).ToArray())
        {
            start.Environment.Remove(name);
        }

        // An installed tool looks for it; this process knows where it is, wherever that is.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

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
