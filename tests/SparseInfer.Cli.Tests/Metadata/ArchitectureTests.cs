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
