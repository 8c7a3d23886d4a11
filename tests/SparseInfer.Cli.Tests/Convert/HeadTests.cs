using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary><c>sparseinfer convert --head</c>: the output head in a type of its own.</summary>
public sealed class HeadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The embedding stays what it is; the head is the embedding, rounded.</summary>
    [Fact]
    public async Task A_tied_head_is_stored_smaller_beside_the_embedding()
    {
        TinyModel tiny = TinyModels.Of("bitnet");
        await Convert(0, tiny.SaveGguf(At("tied.gguf")), At("out.gguf"), "--head", "f16");
        using ModelFile tied = ModelFile.Open(At("tied.gguf"));
        using ModelFile file = ModelFile.Open(At("out.gguf"));
        tied.TryGetTensor("token_embd.weight", out TensorInfo? embedding).ShouldBeTrue();
        file.TryGetTensor("token_embd.weight", out TensorInfo? same).ShouldBeTrue();
        file.TryGetTensor("output.weight", out TensorInfo? head).ShouldBeTrue();
        same.Bytes.ToArray().ShouldBe(embedding.Bytes.ToArray());
        head.Weight.ShouldBe(WeightType.F16);
        head.Shape.ShouldBe(embedding.Shape);

        ModelDeclaration declaration = TinyDeclaration.Of(tiny, At("out.gguf"));
        declaration.TiedEmbedding.ShouldBeFalse();
        declaration.Weights.ShouldBe([WeightType.F32, WeightType.F16]);
        using LanguageModel model = Load(declaration, At("out.gguf"));
        using LanguageModel exact = Load(TinyDeclaration.Of(tiny, At("tied.gguf")), At("tied.gguf"));
        (float[] rounded, float[] expected) = (Logits.Of(model), Logits.Of(exact));
        float worst = rounded.Zip(expected, (a, b) => Math.Abs(a - b)).Max();
        worst.ShouldBeInRange(1e-7f, 0.002f * expected.Max(Math.Abs));
    }

    [Fact]
    public async Task A_head_of_its_own_is_stored_in_the_type()
    {
        string gguf = TinyModels.Llama.SaveGguf(At("untied.gguf"));
        await Convert(0, gguf, At("out.gguf"), "--head", "q8_0", "--weights", "f16");
        using ModelFile file = ModelFile.Open(At("out.gguf"));
        file.Tensors.Where(tensor => tensor.Weight == WeightType.Q8_0).Select(tensor => tensor.Name).ShouldBe(["output.weight"]);
    }

    [Theory]
    [InlineData("'q2_k' is not", "--head", "q2_k")]
    [InlineData("has rows of 32 weights, no whole number of Q6_K blocks", "--head", "q6_k")]
    public async Task A_type_that_cannot_be_is_one_line(string expected, params string[] args)
    {
        string error = await Convert(1, TinyModels.Of("bitnet").SaveGguf(At("tied.gguf")), At("out.gguf"), args);
        error.ShouldContain(expected);
        File.Exists(At("out.gguf")).ShouldBeFalse();
    }

    private static LanguageModel Load(ModelDeclaration declaration, string path) =>
        ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken).Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());

    private static async Task<string> Convert(int code, string source, string destination, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        (await CommandLine.RunAsync(["convert", source, destination, .. args], output, error)).ShouldBe(code, error.ToString());
        return error.ToString();
    }

    private string At(string name) => Path.Combine(_folder, name);
}
