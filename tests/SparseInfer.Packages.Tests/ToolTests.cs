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
    }
}
