using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary>A Hugging Face folder becomes a prepared file of the same model: same declaration, same logits, same tokens.</summary>
public sealed class FolderConvertTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public static TheoryData<string> Architectures => [.. TinyModels.OfConfig.Where(architecture => TinyModels.Of(architecture).Experts == 0)];

    public static TheoryData<string> Experts => [.. TinyModels.OfConfig.Where(architecture => TinyModels.Of(architecture).Experts > 0)];

    public static TheoryData<string> Scalings => [.. TinyScalings.OfConfig];

    public static TheoryData<string> Falcons => [.. TinyModels.Falcons.Keys];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(Architectures))]
    public void The_file_is_declared_and_computed_as_the_folder_is(string architecture) => ShouldStayTheSame(TinyModels.Of(architecture));

    [Theory]
    [MemberData(nameof(Experts))]
    public async Task Experts_are_refused_and_nothing_is_written(string architecture)
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Of(architecture), At("folder"));
        (int code, _, string error) = await Run("convert", folder.Root, At("out.gguf"), "--no-tokenizer");
        code.ShouldBe(1);
        error.ShouldContain($"has {TinyModels.Of(architecture).Experts} experts, whose matrices lie in tensors of their own");
        File.Exists(At("out.gguf")).ShouldBeFalse();
    }

    [Theory]
    [MemberData(nameof(Scalings))]
    public void Rotary_scaling_is_kept(string name) => ShouldStayTheSame(TinyScalings.Config(name));

    [Theory]
    [MemberData(nameof(Falcons))]
    public void Fused_heads_are_separated(string name) => ShouldStayTheSame(TinyModels.Falcons[name]);

    [Fact]
    public async Task The_command_writes_the_file_and_its_tokens_are_the_folders()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        (int code, string output, _) = await Run("convert", folder.Root, At("out.gguf"));
        code.ShouldBe(0);
        output.ShouldContain("2 down matrices neuron-major, signs of 2 matrices.");
        using ModelFile file = ModelFile.Open(At("out.gguf"));
        file.Format.ShouldBe(ModelFileFormat.Gguf);
        Tokenizer expected = Tokenizer.Open(folder.Root);
        var notes = new List<string>();
        Tokenizer kept = Tokenizer.Open(file, notes);
        notes.ShouldBeEmpty();
        kept.Encode("abc cab t39", addBeginOfSequence: true).ShouldBe(expected.Encode("abc cab t39", addBeginOfSequence: true));
        kept.Encode("abcab", addBeginOfSequence: true).ShouldBe([27, 26]);
        Enumerable.Range(0, 40).Where(kept.IsEndOfGeneration).ShouldBe([38, 39]);
        kept.EndOfSequence.ShouldBe(39);

        // What was prepared once can be prepared again, and keeps its tokenizer.
        (await Run("convert", At("out.gguf"), At("again.gguf"))).Code.ShouldBe(0);
        File.ReadAllBytes(At("again.gguf")).ShouldBe(File.ReadAllBytes(At("out.gguf")));
    }

    [Fact]
    public async Task Weights_in_another_type_are_those_that_loading_them_so_would_give()
    {
        TinyModel tiny = TinyModels.Llama;
        TinyFolder folder = TinyFolder.Write(tiny, At("folder"));
        (await Run("convert", folder.Root, At("f16.gguf"), "--weights", "f16")).Code.ShouldBe(0);
        CompiledModel compiled = ModelCompiler.Compile(
            TinyDeclaration.Of(tiny, folder.Root) with { Weights = [WeightType.F16] }, TestContext.Current.CancellationToken);
        using LanguageModel converted = compiled.Load(ModelFile.Open(folder.Root), Device.Cpu(1), new LoadOptions { ConvertWeights = true });
        using LanguageModel prepared = compiled.Load(ModelFile.Open(At("f16.gguf")), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeBitIdentical(prepared, converted);
    }

    [Fact]
    public async Task Inspect_takes_the_folder_and_the_file_and_says_the_same()
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        (await Run("convert", folder.Root, At("folder.gguf"))).Code.ShouldBe(0);
        (int code, string ofFolder, _) = await Run("inspect", folder.Root, "--activation", "relu");
        code.ShouldBe(0);
        (await Run("inspect", At("folder.gguf"), "--activation", "relu")).Output.ShouldBe(ofFolder);
    }

    /// <summary>At whichever tensor it ends, nothing is there but the folder.</summary>
    [Theory]
    [InlineData("lm_head.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.weight")]
    [InlineData("model.layers.1.mlp.down_proj.weight")]
    public void A_conversion_that_is_interrupted_leaves_nothing(string tensor)
    {
        TinyFolder folder = TinyFolder.Write(TinyModels.Llama, At("folder"));
        using ModelFile source = ModelFile.Open(folder.Root);
        using var cancellation = new CancellationTokenSource();
        var told = new List<string>();
        var progress = new Told(done =>
        {
            told.Add(done.Tensor);
            if (done.Tensor == tensor)
            {
                cancellation.Cancel();
            }
        });
        Should.Throw<OperationCanceledException>(() => ModelPreparation.Write(source, At("out.gguf"), progress: progress, cancellationToken: cancellation.Token));
        told[^1].ShouldBe(tensor);
        Directory.GetFileSystemEntries(_root).ShouldBe([folder.Root]);
    }

    /// <summary>Layers that differ in a way that the keys of such files cannot say.</summary>
    [Fact]
    public async Task What_a_file_cannot_say_is_refused()
    {
        TinyFolder folder = TinyFolder.Write(
            TinyModels.Of("qwen2"), At("folder"), ("use_sliding_window", true), ("max_window_layers", 1), ("sliding_window", 4));
        (int code, _, string error) = await Run("convert", folder.Root, At("out.gguf"));
        code.ShouldBe(1);
        error.ShouldContain("the attention of layer 0 looks back otherwise than that of others, which GGUF files of architecture qwen2 cannot say");
        File.Exists(At("out.gguf")).ShouldBeFalse();

        // A window that no layer has changes nothing.
        folder.Edit("config.json", config => config["max_window_layers"] = 2);
        (await Run("convert", folder.Root, At("out.gguf"))).Code.ShouldBe(0);
    }

    private void ShouldStayTheSame(TinyModel tiny)
    {
        TinyFolder folder = TinyFolder.Write(tiny, At("tiny"));
        ModelPreparation.Write(ModelFile.Open(folder.Root), At("tiny.gguf"));
        ModelDeclaration declaration = TinyDeclaration.Of(tiny, folder.Root);
        TinyDeclaration.Of(tiny, At("tiny.gguf")).ToText().ShouldBe(declaration.ToText());
        CompiledModel compiled = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken);
        using LanguageModel model = compiled.Load(ModelFile.Open(folder.Root), Device.Cpu(1), new LoadOptions());
        using LanguageModel prepared = compiled.Load(ModelFile.Open(At("tiny.gguf")), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeBitIdentical(prepared, model);
        prepared.Tokenizer.VocabularySize.ShouldBe(model.Tokenizer.VocabularySize);
        prepared.LoadReport.Notes.ShouldBe(model.LoadReport.Notes);
    }

    /// <summary>Told on the thread that writes.</summary>
    private sealed class Told(Action<LoadProgress> told) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => told(value);
    }

    private string At(string name) => Path.Combine(_root, name);

    private static async Task<(int Code, string Output, string Error)> Run(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        return (await CommandLine.RunAsync(args, output, error), output.ToString(), error.ToString());
    }
}
