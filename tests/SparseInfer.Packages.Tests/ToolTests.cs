namespace SparseInfer.Packages.Tests;

/// <summary>The tool as its package installs it.</summary>
public sealed class ToolTests(PackedFeed feed)
{
    [Fact]
    public void The_tool_can_be_installed_and_compiles_a_model_where_it_lies()
    {
        string folder = Path.Combine(feed.Root, "tool");
        DotnetCommand.Run(
            feed.Root, keepsSources: false, "tool", "install", "SparseInfer.Cli", "--version", PackedFeed.Version, "--tool-path", folder).ShouldSucceed();

        string tool = Path.Combine(folder, OperatingSystem.IsWindows() ? "sparseinfer.exe" : "sparseinfer");
        DotnetCommand.Run(tool, feed.Root, keepsSources: false, ["doctor"]).ShouldSucceed()
            .Output.ShouldContain(feed.HasIlgpu ? "ilgpu-cpu" : "standin");
    }
}
