namespace SparseInfer.Packages.Tests;

/// <summary>The templates of <c>dotnet new</c> as their package installs them: what they make runs as it is.</summary>
public sealed class TemplateTests(PackedFeed feed)
{
    /// <summary>Templates are installed for a user: for one of these tests alone.</summary>
    private string[] ForTheTest => ["--debug:custom-hive", Path.Combine(feed.Root, "hive")];

    [Fact]
    public void Projects_of_the_templates_run_as_they_are()
    {
        string package = Path.Combine(feed.Folder, $"SparseInfer.Templates.{PackedFeed.Version}.nupkg");
        Run("new", "install", package).Output.ShouldContain("sparseinfer-layer");

        // A repository that manages its packages' versions in one place is no hindrance.
        Directory.CreateDirectory(Path.Combine(feed.Root, "Central"));
        File.WriteAllText(
            Path.Combine(feed.Root, "Central", "Directory.Packages.props"), "<Project><PropertyGroup><ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup></Project>");
        Run("new", "sparseinfer-layer", "-o", "Central/Layer.One", "--hidden", "128", "--intermediate", "512", "--gated", "false", "--activation", "SquaredRelu", "--policy", "SignBitPredictor");
        string[] layer = DotnetCommand.Run(feed.Root, keepsSources: false, "run", "-c", "Release", "--project", "Central/Layer.One").ShouldSucceed().Output.Trim().Split('\n');
        layer.Length.ShouldBe(4);
        layer[0].Split("y[0] =")[1].ShouldBe(layer[1].Split("y[0] =")[1], "Exact equals Dense");
        layer[3].ShouldContain("1 tokens");

        // What was asked for is written, also where a build then says why it cannot be.
        Run("new", "sparseinfer-layer", "-o", "Asked", "--activation", "Gelu", "--policy", "SignBitPredictor");
        File.ReadAllText(Path.Combine(feed.Root, "Asked", "Layers.cs")).ShouldContain("[SignBitPredictor");

        // The model of the tests: its shape is what the options say.
        Run(
            "new", "sparseinfer-model", "-o", "Model", "--hidden", "64", "--layers", "5", "--heads", "8", "--kv-heads", "4", "--intermediate", "172",
            "--activation", "Silu", "--weights", "F32", "--epsilon", "1e-5", "--rope-theta", "10000.0");
        string model = Path.Combine(AppContext.BaseDirectory, "stories260K.gguf");
        DotnetCommand.Run(feed.Root, keepsSources: false, "run", "-c", "Release", "--project", "Model", "--", model, "Once upon a time").ShouldSucceed()
            .Output.ShouldContain("Once upon a time, there was");
    }

    private CommandResult Run(params string[] arguments) =>
        DotnetCommand.Run(feed.Root, keepsSources: false, [.. arguments, .. ForTheTest]).ShouldSucceed();
}
