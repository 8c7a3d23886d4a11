using System.Text.RegularExpressions;

namespace SparseInfer.Packages.Tests;

/// <summary>The tool as its package installs it.</summary>
public sealed class ToolTests(PackedFeed feed)
{
    [Fact]
    public void The_tool_can_be_installed_and_compiles_a_model()
    {
        string folder = Path.Combine(feed.Root, "tool");
        string[] install = ["tool", "install", "SparseInfer.Cli", "--version", PackedFeed.Version, "--tool-path", folder];
        DotnetCommand.Run(feed.Root, keepsSources: false, install).ShouldSucceed();

        string tool = Path.Combine(folder, OperatingSystem.IsWindows() ? "sparseinfer.exe" : "sparseinfer");
        string model = Path.Combine(AppContext.BaseDirectory, "stories260K.gguf");
        string[] bench = ["bench", "-m", model, "-p", "0", "-n", "2", "-r", "1", "-t", "1", "--modes", "dense", "--probe-mib", "16"];
        DotnetCommand.Run(tool, feed.Root, keepsSources: false, bench).ShouldSucceed().Output.ShouldContain("stories260K 5 layers F32");

        // From the file to text, and from the file to a project that gives the same text.
        const string Prompt = "Once upon a time";
        string[] run = ["run", model, Prompt, "--activation", "silu", "--temp", "0", "-n", "256"];
        string text = DotnetCommand.Run(tool, feed.Root, keepsSources: false, run).ShouldSucceed().Output;
        text.ShouldStartWith(Prompt + ", there was");
        string[] make = ["new", model, "made", "--activation", "silu"];
        DotnetCommand.Run(tool, feed.Root, keepsSources: false, make).ShouldSucceed();

        // The feed's packages have another version than what they were packed of.
        string project = Path.Combine(feed.Root, "made", "Stories260K.csproj");
        File.WriteAllText(project, Regex.Replace(File.ReadAllText(project), "Version=\"[^\"]+\"", $"Version=\"{PackedFeed.Version}\""));
        string[] start = ["run", "-c", "Release", "--project", Path.Combine(feed.Root, "made"), Prompt];
        DotnetCommand.Run(feed.Root, keepsSources: false, start).ShouldSucceed().Output.ShouldContain(text);
    }
}
