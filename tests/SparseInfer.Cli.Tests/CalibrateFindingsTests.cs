using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer calibrate</c>: what is refused before a model runs, prepared files, and targets that are missed.</summary>
public sealed class CalibrateFindingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-calibrate").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Down with a row a neuron is the same matrix, plain or in blocks over neurons.</summary>
    [Theory]
    [InlineData(0f)]
    [InlineData(0.01f, "--weights", "Q8_0")]
    public void A_prepared_file_has_the_weights_of_its_source(float tolerance, params string[] weights)
    {
        string prepared = Path.Combine(_folder, "prepared.gguf");
        ToolProgram.Call(["convert", ToolProgram.Gguf, prepared, .. weights]).ExitCode.ShouldBe(0);
        float[] expected = Down(ToolProgram.Gguf);
        Down(prepared).Zip(expected, (own, source) => Math.Abs(own - source)).Max().ShouldBeLessThanOrEqualTo(tolerance * expected.Max(Math.Abs));

        static float[] Down(string path)
        {
            using ModelFile file = ModelFile.Open(path);
            ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f);
            LayerWeights.Check(file, new LoadOptions(), model);
            return LayerWeights.Read(file, new LoadOptions(), model, 3).Down;
        }
    }

    [Theory]
    [InlineData("--output out.txt: [SparsityProfile] reads a file whose name ends in '.json'", "SignBitPredictor", "out.txt")]
    [InlineData("[SparsityProfile] reads a file whose name ends in '.json'", "InputThreshold", "out.safetensors", "--target", "skipped=0.4")]
    [InlineData("LoadOptions.PredictorFile takes a file whose name ends in '.safetensors'", "TruncatedSvdPredictor", "out.json", "--rank", "8")]
    [InlineData("a project file cannot name it as it is", "SignBitPredictor", "a\"b.json")]
    [InlineData("a project file cannot name it as it is", "SignBitPredictor", "a;b.json")]
    [InlineData("--output: there is no folder", "TruncatedSvdPredictor", "no/such/out.safetensors", "--rank", "8")]
    [InlineData("--output: there is no folder", "InputThreshold", "no/such/out.json", "--target", "skipped=0.4")]
    public async Task What_cannot_be_written_is_refused_before_the_model_runs(string message, string policy, string path, params string[] more)
    {
        string text = Path.Combine(_folder, "text.txt");
        await File.WriteAllTextAsync(text, "Once upon a time.", TestContext.Current.CancellationToken);
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(["calibrate", "-m", ToolProgram.Gguf, "--text", text, "--policy", policy, "--output", path, .. more], output, error)).ShouldBe(1);
        error.ToString().ShouldContain(message);
        error.ToString().ShouldNotContain("compiling");
    }

    /// <summary>A prepared file has down transposed; the last layer's alone is enough.</summary>
    [Fact]
    public async Task A_file_that_lacks_what_a_target_looks_at_is_refused_before_the_model_runs()
    {
        string model = Path.Combine(_folder, "prepared.gguf");
        var writer = new GgufWriter();
        using (ModelFile source = ModelFile.Open(ToolProgram.Gguf))
        {
            foreach (string key in source.Metadata.Keys)
            {
                writer.Copy(source.Metadata, key);
            }

            foreach (TensorInfo tensor in source.Tensors)
            {
                writer.AddTensor(tensor, tensor.Name.Replace("blk.5.ffn_down", "blk.5.ffn_down_t"));
            }

            writer.Save(model);
        }

        string text = Path.Combine(_folder, "text.txt");
        await File.WriteAllTextAsync(text, "Once upon a time.", TestContext.Current.CancellationToken);
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(
            ["calibrate", "-m", model, "--text", text, "--policy", "InputThreshold", "--uses", "down", "--target", "contribution=0.99", "--output", Path.Combine(_folder, "out.json")], output, error))
            .ShouldBe(1);
        error.ToString().ShouldContain("has no matrix 'blk.5.ffn_down.weight' with 1024 columns, which --target contribution=0.99 looks at");
        error.ToString().ShouldNotContain("compiling");
    }

    /// <summary>Layers whose most cautious strength loses too much are named; such points have the same rule as those that are chosen.</summary>
    [Fact]
    public void A_point_keeps_a_target_or_misses_it()
    {
        CalibrationTarget target = CalibrationTarget.Parse("contribution=0.99").Value;
        CurvePoint[] points = [.. new[] { 0.98, 0.97 }.Select(contribution => new CurvePoint([], 0.1, null, null, contribution, 1))];
        StrengthChoice.Of(new(points, 1), target).ShouldBe(0);
        StrengthChoice.Keeps(points[0], target).ShouldBeFalse();
        StrengthChoice.Keeps(points[0] with { Contribution = 0.99 }, target).ShouldBeTrue();
    }

    [Fact]
    public void What_was_begun_with_other_files_beside_the_model_begins_anew()
    {
        string model = Path.Combine(_folder, "model.safetensors");
        string[] before = [.. ResumeFile.Circumstances(model)];
        ResumeFile.Circumstances(model).ShouldBe(before);
        File.WriteAllText(Path.Combine(_folder, "config.json"), "{}");
        ResumeFile.Circumstances(model).ShouldNotBe(before);
        ResumeFile.Circumstances(_folder).ShouldContain(text => text.StartsWith("2 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Profiles_of_one_name_get_names_of_their_own()
    {
        var names = new List<string> { "2-p.json" };
        string path = Path.Combine(_folder, "p.json");
        File.WriteAllText(path, """{ "policies": [ { "attribute": "SignBitPredictor" } ] }""");
        for (int i = 0; i < 3; i++)
        {
            names.Add(DeclaredProfile.Read(path, names, out _).Name);
        }

        names.ShouldBe(["2-p.json", "p.json", "3-p.json", "4-p.json"]);
    }
}
