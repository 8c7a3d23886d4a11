using System.Text.Json;
using SparseInfer.Cli.Embed;
using SparseInfer.Cli.Tests.Convert;
using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Cli.Tests.Run;

/// <summary><c>sparseinfer embed</c>: texts' vectors, as llama.cpp writes them, and bad input.</summary>
public sealed class EmbedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-embed").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Vectors_are_written_in_the_format_that_is_asked_for()
    {
        string file = Path.Combine(_folder, "texts.txt");
        File.WriteAllText(file, "Once upon a time\r\n\nOne day a dog came.\n");

        JsonElement json = Json("-m", ToolProgram.Gguf, "-f", file, "--embd-output-format", "json+");
        float[][] vectors = [.. json.GetProperty("data").EnumerateArray().Select(data => Numbers(data.GetProperty("embedding")))];
        vectors.Length.ShouldBe(2);
        vectors.ShouldAllBe(vector => vector.Length == 256 && Math.Abs(vector.Sum(value => (double)value * value) - 1) < 1e-6);
        JsonElement cosines = json.GetProperty("cosineSimilarity");
        cosines[0][0].GetDouble().ShouldBe(1, 1e-6);
        cosines[1][0].GetDouble().ShouldBe(vectors[0].Zip(vectors[1], (a, b) => (double)a * b).Sum(), 1e-6);

        JsonElement array = Json(ToolProgram.Gguf, "Once upon a time", "One day a dog came.", "--embd-output-format", "array", "--pooling", "mean");
        array.EnumerateArray().Select(Numbers).ShouldBe(vectors);
        JsonElement same = Json(ToolProgram.Gguf, "-p", "Once upon a time|One day a dog came.", "--embd-separator", "|", "--json");
        same.GetProperty("data").EnumerateArray().Select(data => Numbers(data.GetProperty("embedding"))).ShouldBe(vectors);
        same.GetProperty("data")[1].GetProperty("index").GetInt32().ShouldBe(1);

        ToolResult lines = ToolProgram.Run("embed", ToolProgram.Gguf, "Once upon a time", "--pooling", "none", "--embd-normalize", "-1");
        lines.ExitCode.ShouldBe(0, lines.Error);
        string[] written = lines.Output.TrimEnd('\n').Split('\n');
        written[1].ShouldStartWith("embedding 1: ");
        written.Length.ShouldBe(5, "a vector for each token");
        float[] largest = Numbers(Json(ToolProgram.Gguf, "Once upon a time", "--embd-normalize", "0", "--pooling", "last", "--embd-output-format", "array")[0]);
        largest.Max(MathF.Abs).ShouldBe(32760f, 0.01f);
    }

    [Theory]
    [InlineData("give a text", "MODEL")]
    [InlineData("give a model")]
    [InlineData("a text is empty", "MODEL", "")]
    [InlineData("one of none, mean, cls, last; 'max' is not", "MODEL", "a", "--pooling", "max")]
    [InlineData("one of array, json, json+; 'xml' is not", "MODEL", "a", "--embd-output-format", "xml")]
    [InlineData("give one of them", "MODEL", "a", "--json", "--embd-output-format", "array")]
    [InlineData("--embd-normalize takes a whole number from -1", "MODEL", "a", "--embd-normalize", "-2")]
    [InlineData("no-such-file", "MODEL", "-f", "no-such-file")]
    public void Bad_input_is_one_line(string message, params string[] arguments)
    {
        ToolResult result = ToolProgram.Run(["embed", .. arguments.Select(argument => argument == "MODEL" ? ToolProgram.Gguf : argument)]);
        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        result.Error.TrimEnd().Split('\n')[^1].ShouldContain(message);
    }

    /// <summary>Against numbers that were worked out by hand.</summary>
    [Theory]
    [InlineData(-1, new float[] { 3, -4 })]
    [InlineData(0, new float[] { 24570, -32760 })]
    [InlineData(1, new float[] { 3 / 7f, -4 / 7f })]
    [InlineData(2, new float[] { 0.6f, -0.8f })]
    [InlineData(3, new float[] { 0.66697f, -0.88930f })]
    public void A_norm_is_the_one_of_its_number(int norm, float[] expected)
    {
        float[] scaled = EmbeddingNorm.Apply([3, -4], norm);
        scaled[0].ShouldBe(expected[0], 1e-4f);
        scaled[1].ShouldBe(expected[1], 1e-4f);
        EmbeddingNorm.Apply([0, 0], norm).ShouldBe([0, 0]);
        EmbeddingNorm.Apply([1e-5f, 0], 100)[0].ShouldBe(1, 1e-6f, "though the hundredth power is 0");
    }

    [Theory]
    [InlineData("llama.pooling_type", 4u, "the output is a score")]
    [InlineData("llama.attention.causal", false, "attention looks ahead")]
    public void A_file_of_another_kind_of_model_is_refused(string key, object value, string message)
    {
        ToolResult result = ToolProgram.Run("embed", TinyModels.Of("llama").SaveGguf(Path.Combine(_folder, "model.gguf"), (key, value)), "t3", "--activation", "relu");
        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain(message);
    }

    [Fact]
    public void What_a_folder_asks_for_and_a_text_without_tokens_are_told()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, Path.Combine(_folder, "model"));
        File.WriteAllText(folder.At("modules.json"), """[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Dense"}]""");
        ToolProgram.Run("embed", folder.Root, "abc", "--activation", "relu").Error.ShouldContain("modules.json asks for sentence_transformers.models.Dense, which is not computed: give --pooling");
        ToolProgram.Run("embed", folder.Root, "abc", "!", "--activation", "relu", "--pooling", "last").Error.ShouldContain("text 1 has no token of the model's");
    }

    private static JsonElement Json(params string[] arguments)
    {
        ToolResult result = ToolProgram.Run(["embed", .. arguments]);
        result.ExitCode.ShouldBe(0, result.Error);
        return JsonDocument.Parse(result.Output).RootElement;
    }

    private static float[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetSingle())];
}
