namespace SparseInfer.Cli.Tests.Run;

/// <summary><c>sparseinfer declare</c> and <c>new</c>: what they write, and bad input.</summary>
public sealed class DeclareTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-new").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_class_has_what_was_asked_for()
    {
        ToolResult plain = ToolProgram.Call("declare", ToolProgram.Gguf);
        plain.ExitCode.ShouldBe(0, plain.Error);
        plain.Error.ShouldBeEmpty();
        plain.Output.ShouldContain("[ExactSparsity]");
        plain.Output.ShouldContain("Context = 512");

        ToolResult asked = ToolProgram.Call("declare", "-m", ToolProgram.Gguf, "--activation", "silu", "--context", "128", "--policy", "ActivationThreshold(Threshold = 0.1f)");
        asked.ExitCode.ShouldBe(0, asked.Error);
        asked.Output.ShouldContain("[ActivationThreshold(Threshold = 0.1f)]");
        asked.Output.ShouldContain("Context = 128");
        asked.Output.ShouldNotContain("[ExactSparsity]");
        ToolProgram.Call("declare", ToolProgram.Gguf, "--activation", "silu").Output.ShouldContain("[Dense]");
    }

    [Fact]
    public void A_project_has_class_program_and_profile_with_full_paths()
    {
        string profile = Path.Combine(_folder, "stories.json");
        string layers = string.Join(", ", Enumerable.Range(0, 6).Select(layer => $$"""{"layer": {{layer}}, "values": {"Alpha": 1.5} }"""));
        File.WriteAllText(profile, $$"""
            {"version": 1, "model": {"hidden": 256, "layers": 6, "intermediate": 1024, "activation": "Relu"}, "policies": [{"attribute": "SignBitPredictor", "layers": [{{layers}}]}]}
            """);
        string folder = Path.Combine(_folder, "my \"stories\"");

        ToolResult made = ToolProgram.Call("new", ToolProgram.Gguf, folder, "--profile", profile);

        made.ExitCode.ShouldBe(0, made.Error);
        made.Output.ShouldContain("dotnet run -c Release");
        Directory.GetFiles(folder).Select(Path.GetFileName).Order().ShouldBe(["Program.cs", "StoriesRelu.cs", "StoriesRelu.csproj", "stories.json"]);
        File.ReadAllText(Path.Combine(folder, "StoriesRelu.csproj")).ShouldContain("<AdditionalFiles Include=\"stories.json\" />");
        File.ReadAllText(Path.Combine(folder, "StoriesRelu.cs")).ShouldContain("[SparsityProfile(\"stories.json\")]");
        File.ReadAllText(Path.Combine(folder, "Program.cs")).ShouldContain("StoriesRelu.Load(\"" + ToolProgram.Gguf);
        Directory.GetDirectories(_folder).ShouldBe([folder]);

        // One that is there and empty, with the slash that a shell completes.
        string empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        ToolProgram.Call("new", ToolProgram.Gguf, empty + "/").ExitCode.ShouldBe(0);
        Directory.GetFiles(empty).Length.ShouldBe(3);
    }

    [Theory]
    [InlineData("give a model: sparseinfer declare MODEL", "declare")]
    [InlineData("give a model: sparseinfer new MODEL", "new")]
    [InlineData("'again' is one argument too many", "declare", "-m", "MODEL", "again")]
    [InlineData("'again' is one argument too many", "new", "-m", "MODEL", "made", "again")]
    [InlineData("There is no model at no-such.gguf", "new", "no-such.gguf")]
    [InlineData("is there already, and not empty", "new", "MODEL", "FULL")]
    [InlineData("there is no folder", "new", "MODEL", "FULL/a/b")]
    [InlineData("SPI0028", "new", "MODEL", "made", "--policy", "SignBitPredictor(Alpha = 500f)")]
    [InlineData("is no list of attributes", "declare", "MODEL", "--policy", "SignBit(")]
    [InlineData("names no policy", "declare", "MODEL", "--profile", "EMPTY")]
    public void Bad_input_is_one_line_and_leaves_nothing(string message, params string[] args)
    {
        string full = Directory.CreateDirectory(Path.Combine(_folder, "full")).FullName;
        string empty = Path.Combine(full, "empty.json");
        File.WriteAllText(empty, """{"policies": []}""");

        ToolResult result = ToolProgram.Call([.. args.Select(arg => arg
            .Replace("MODEL", ToolProgram.Gguf, StringComparison.Ordinal).Replace("FULL", full, StringComparison.Ordinal).Replace("EMPTY", empty, StringComparison.Ordinal)
            .Replace("made", Path.Combine(_folder, "made"), StringComparison.Ordinal))]);

        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        result.Error.TrimEnd().Split('\n').Last().ShouldContain(message);
        Directory.GetFileSystemEntries(_folder).ShouldBe([full]);
        Directory.GetFileSystemEntries(full).ShouldBe([empty]);
    }
}
