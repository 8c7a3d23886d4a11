using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>
/// Each architecture from a tiny file: the declaration that is printed for it fits it, and the logits are those of its definition.
/// </summary>
public sealed class ArchitectureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    public static TheoryData<string> Gguf => [.. TinyModels.OfGguf];

    public static TheoryData<string> Config => [.. TinyModels.OfConfig];

    public static TheoryData<string> GgufScalings => [.. TinyScalings.OfGguf];

    public static TheoryData<string> ConfigScalings => [.. TinyScalings.OfConfig];

    public static TheoryData<string> Falcons => [.. TinyModels.Falcons.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Gguf))]
    public void A_gguf_file_is_declared_and_computed_as_llama_cpp_does(string architecture)
    {
        TinyModel tiny = TinyModels.Of(architecture);
        Prove(tiny, tiny.SaveGguf(Path.Combine(_folder, "tiny.gguf")), tiny.HalfSplit);
    }

    [Theory]
    [MemberData(nameof(Config))]
    public void A_folder_of_safetensors_is_declared_and_computed_as_hugging_faces_library_does(string architecture)
    {
        TinyModel tiny = TinyModels.Of(architecture);
        Prove(tiny, tiny.SaveConfig(_folder), halfSplit: true);
    }

    [Theory]
    [MemberData(nameof(GgufScalings))]
    public void Rotary_scaling_of_a_gguf_file_is_declared_and_computed(string name)
    {
        TinyModel tiny = TinyScalings.Gguf(name);
        Prove(tiny, tiny.SaveGguf(Path.Combine(_folder, "tiny.gguf")), tiny.HalfSplit);
    }

    [Theory]
    [MemberData(nameof(ConfigScalings))]
    public void Rotary_scaling_of_a_config_is_declared_and_computed(string name)
    {
        TinyModel tiny = TinyScalings.Config(name);
        Prove(tiny, tiny.SaveConfig(_folder), halfSplit: true);
    }

    /// <summary>The same weights, de-interleaved by llama.cpp's converter, and as Hugging Face has them: bit for bit the same logits.</summary>
    [Theory]
    [MemberData(nameof(Falcons))]
    public void A_falcon_is_the_same_from_either_kind_of_file(string name)
    {
        TinyModel tiny = TinyModels.Falcons[name];
        string gguf = tiny.SaveGguf(Path.Combine(_folder, "tiny.gguf"), ("falcon.feed_forward.activation", "relu"));
        string folder = tiny.SaveConfig(Directory.CreateDirectory(Path.Combine(_folder, "tiny")).FullName);
        ModelDeclaration declaration = TinyDeclaration.Of(tiny, folder);
        TinyDeclaration.Of(tiny, gguf).ToText().ShouldBe(declaration.ToText());
        CompiledModel compiled = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken);
        using LanguageModel ofGguf = compiled.Load(ModelFile.Open(gguf), Device.Cpu(1), new LoadOptions());
        using LanguageModel ofFolder = compiled.Load(ModelFile.Open(folder), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeThoseOf(new TinyReference(tiny, halfSplit: true), ofGguf);
        Logits.ShouldBeBitIdentical(ofFolder, ofGguf);
    }

    /// <summary>Its converter writes no epsilon for OPT, and a context that counts the rows before the first position.</summary>
    [Theory]
    [InlineData("llama")]
    [InlineData("bamboo")]
    [InlineData("falcon")]
    [InlineData("opt")]
    public void A_file_with_its_own_predictor_is_declared_and_computed(string architecture)
    {
        TinyModel tiny = TinyModels.Of(architecture);
        (string, object?)[] changes = architecture == "opt" ? [("opt.attention.layer_norm_epsilon", null), ("opt.context_length", 34u)] : [];
        string path = tiny.SavePowerInfer(Path.Combine(_folder, "tiny.gguf"), changes);
        TinyDeclaration.Of(tiny, path).Context.ShouldBe(TinyModel.Context);
        Prove(tiny, path, tiny.HalfSplit);
    }

    /// <summary>So that an architecture cannot be added without a file above.</summary>
    [Fact]
    public void Every_architecture_that_is_supported_is_proved_here()
    {
        TinyModels.OfGguf.ShouldBe(Loading.Architectures.SupportedNames(gguf: true), ignoreOrder: true);
        TinyModels.OfConfig.Select(name => Loading.Architectures.Find(name)!.Name)
            .ShouldBe(Loading.Architectures.SupportedNames(gguf: false), ignoreOrder: true);
    }

    private static void Prove(TinyModel tiny, string path, bool halfSplit)
    {
        ModelDeclaration declaration = TinyDeclaration.Of(tiny, path);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeThoseOf(new TinyReference(tiny, halfSplit), model);
    }
}
