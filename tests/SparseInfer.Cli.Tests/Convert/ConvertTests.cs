using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary><c>sparseinfer convert</c> as its user has it.</summary>
public sealed class ConvertTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_is_prepared_and_the_result_named()
    {
        ToolResult result = Convert(ToolProgram.Gguf, At("prepared.gguf"));
        result.ExitCode.ShouldBe(0, result.Error);
        long megabytes = (long)Math.Round(new FileInfo(At("prepared.gguf")).Length / 1e6);
        result.Output.ShouldBe($"{At("prepared.gguf")}: {megabytes} MB, 6 down matrices neuron-major, signs of 6 matrices.\n", StringCompareShould.IgnoreLineEndings);
        result.Error.ShouldBe("Converting\n", StringCompareShould.IgnoreLineEndings);
        using ModelFile file = ModelFile.Open(At("prepared.gguf"));
        file.TryGetTensor("blk.5.ffn_down_t.weight", out _).ShouldBeTrue();
        file.TryGetTensor("blk.5.ffn_down.weight", out _).ShouldBeFalse();
    }

    [Fact]
    public void Weights_are_stored_in_the_type_that_is_asked_for()
    {
        Convert(ToolProgram.Gguf, At("q8.gguf"), "--weights", "Q8_0", "--up-signs").Output.ShouldContain("signs of 12 matrices");
        using ModelFile file = ModelFile.Open(At("q8.gguf"));
        file.Tensors.Where(tensor => tensor.Shape.Count == 2 && tensor.Name.EndsWith(".weight", StringComparison.Ordinal))
            .ShouldAllBe(tensor => tensor.Weight == WeightType.Q8_0);
    }

    [Fact]
    public void A_prepared_file_is_declared_as_a_model_of_its_type()
    {
        Convert(ToolProgram.Gguf, At("q8.gguf"), "--weights", "Q8_0").ExitCode.ShouldBe(0);
        ToolResult result = ToolProgram.Run(["declare", At("q8.gguf"), "--activation", "relu"]);
        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldContain("[Weights(WeightType.Q8_0)]");
    }

    [Fact]
    public void A_file_that_is_there_is_replaced_only_by_force()
    {
        File.WriteAllText(At("there.gguf"), "before");
        ShouldRefuse("--force to replace it", ToolProgram.Gguf, At("there.gguf"));
        File.ReadAllText(At("there.gguf")).ShouldBe("before");
        Convert(ToolProgram.Gguf, At("there.gguf"), "--force").ExitCode.ShouldBe(0);
        new FileInfo(At("there.gguf")).Length.ShouldBeGreaterThan(1 << 20);
    }

    [Theory]
    [InlineData("'SOURCE' missing")]
    [InlineData("'DESTINATION' missing", "model.gguf")]
    [InlineData("SOURCE is empty", "", "out.gguf")]
    [InlineData("There is no model at", "none.gguf", "out.gguf")]
    [InlineData("neither a GGUF file", "text.gguf", "out.gguf")]
    [InlineData("the file is empty", "empty.gguf", "out.gguf")]
    [InlineData("The file is damaged or incomplete", "cut.gguf", "out.gguf")]
    [InlineData("is the source itself", "model.gguf", "model.gguf", "--force")]
    [InlineData("There is no folder", "model.gguf", "none/out.gguf")]
    [InlineData("is a folder", "model.gguf", ".")]
    [InlineData("a pipe or a device", "model.gguf", "empty.gguf", "--force")]
    [InlineData("'q2_k' is not", "model.gguf", "out.gguf", "--weights", "q2_k")]
    [InlineData("Unrecognized command or argument 'third'", "model.gguf", "out.gguf", "third")]
    public void Bad_input_is_one_line_and_leaves_nothing(string expected, params string[] args)
    {
        File.Copy(ToolProgram.Gguf, At("model.gguf"));
        File.WriteAllText(At("text.gguf"), "Once upon a time");
        File.WriteAllText(At("empty.gguf"), "");
        File.WriteAllBytes(At("cut.gguf"), File.ReadAllBytes(ToolProgram.Gguf)[..100_000]);
        string[] before = Names();
        ShouldRefuse(expected, [.. args.Select(arg => arg.EndsWith(".gguf", StringComparison.Ordinal) || arg == "." ? At(arg) : arg)]);
        Names().ShouldBe(before);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string[] Names() => [.. Directory.GetFileSystemEntries(_folder).Order(StringComparer.Ordinal)];

    private static ToolResult Convert(params string[] args) => ToolProgram.Run(["convert", .. args]);

    private static void ShouldRefuse(string expected, params string[] args)
    {
        ToolResult result = Convert(args);
        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        result.Error.ShouldStartWith("sparseinfer: ");
        result.Error.ShouldContain(expected);
        result.Error.TrimEnd().ShouldNotContain('\n');
    }
}
