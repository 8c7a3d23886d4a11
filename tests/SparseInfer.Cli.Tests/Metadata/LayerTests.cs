using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>What files say of single layers: which ones look back over a window, and which ones rotate nothing.</summary>
public sealed class LayerTests : IDisposable
{
    private static readonly TinyModel Deep = new("llama") { Class = "LlamaForCausalLM", Depth = 6 };

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Windows_of_all_layers_of_some_and_of_a_pattern_are_printed_and_computed()
    {
        Prove(Deep with { Window = _ => 3 }, "[SlidingWindow(Window = 3)]\n", ("sliding_window", 3));
        Prove(
            Deep with { Window = layer => layer % 2 == 1 ? 3 : 0 },
            "[SlidingWindow(Window = 3, Layers = \"1\", Period = 2)]\n",
            ("sliding_window", 3),
            ("layer_types", Types("fsfsfs")));
        Prove(
            Deep with { Window = layer => layer is 1 or 2 or 4 ? 3 : 0 },
            "[SlidingWindow(Window = 3, Layers = \"1..2, 4\")]\n",
            ("sliding_window", 3),
            ("layer_types", Types("fssfsf")));
        Prove(
            Deep with { Architecture = "qwen2", Class = "Qwen2ForCausalLM", Window = layer => layer >= 4 ? 3 : 0 },
            "[SlidingWindow(Window = 3, Layers = \"4..5\")]\n",
            ("use_sliding_window", true),
            ("sliding_window", 3),
            ("max_window_layers", 4));
    }

    [Fact]
    public void Layers_that_rotate_nothing_are_printed_and_computed()
    {
        Prove(Deep with { IsUnrotated = layer => layer % 3 == 2 }, "[NoRope(Layers = \"2\", Period = 3)]\n", ("no_rope_layer_interval", 3));
        Prove(Deep with { IsUnrotated = layer => layer < 2 }, "[NoRope(Layers = \"0..1\")]\n", ("no_rope_layers", new[] { 0, 0, 1, 1, 1, 1 }));
        Prove(Deep with { IsUnrotated = _ => true }, "[NoRope]\n", ("no_rope_layers", new int[6]));
        Prove(
            Deep with { IsUnrotated = layer => layer % 2 == 0, Window = layer => layer % 2 == 1 ? 3 : 0 },
            "[SlidingWindow(Window = 3, Layers = \"1\", Period = 2)]\n[NoRope(Layers = \"0\", Period = 2)]\n",
            ("no_rope_layers", new[] { 0, 1, 0, 1, 0, 1 }),
            ("sliding_window", 3),
            ("layer_types", Types("fsfsfs")));
    }

    [Fact]
    public void A_declaration_of_other_layers_is_refused()
    {
        ModelDeclaration windows = Declare(("sliding_window", 3), ("layer_types", Types("fsfsfs")), ("no_rope_layer_interval", 3));
        CompiledModel compiled = ModelCompiler.Compile(windows, TestContext.Current.CancellationToken);

        Refused(compiled, ("sliding_window", 4), ("layer_types", Types("fsfsfs")), ("no_rope_layer_interval", 3))
            .ShouldContain("'sliding_window' is 4, and the attention of layer 1 looks back no further, but [SlidingWindow] Window = 3 is declared for layer 1");
        Refused(compiled, ("sliding_window", 3), ("layer_types", Types("fsffff")), ("no_rope_layer_interval", 3))
            .ShouldContain("'sliding_window' is 3, which does not bound the attention of layer 3, but [SlidingWindow] Window = 3 is declared for layer 3");
        Refused(compiled, ("sliding_window", 3), ("no_rope_layer_interval", 3))
            .ShouldContain("'sliding_window' is 3, and the attention of layer 0 looks back no further, but [DecoderModel] Context = 32 is declared: declare [SlidingWindow]");
        Refused(compiled, ("no_rope_layer_interval", 3)).ShouldContain("the file says no sliding window, but [SlidingWindow] Window = 3 is declared for layer 1");
        Refused(compiled, ("sliding_window", 3), ("layer_types", Types("fsfsfs")))
            .ShouldContain("'model_type' is 'llama', so layer 2 rotates queries and keys, but [NoRope] is declared for it");
        Refused(compiled, ("sliding_window", 3), ("layer_types", Types("fsfsfs")), ("no_rope_layer_interval", 2))
            .ShouldContain("'no_rope_layer_interval' is 2, so layer 1 rotates no queries and keys, but no [NoRope] is declared for it");
    }

    private static string[] Types(string kinds) => [.. kinds.Select(kind => kind == 's' ? "sliding_attention" : "full_attention")];

    private void Prove(TinyModel tiny, string attributes, params (string, object?)[] changes)
    {
        using ModelFile file = ModelFile.Open(tiny.SaveConfig(_folder, changes));
        ModelDeclaration declaration = FileDeclaration.Read(file, tiny.Activation, null, 1f);
        declaration.ToText().ShouldContain(attributes);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(_folder), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeThoseOf(new TinyReference(tiny, halfSplit: true), model);
    }

    private ModelDeclaration Declare(params (string, object?)[] changes)
    {
        using ModelFile file = ModelFile.Open(Deep.SaveConfig(_folder, changes));
        return FileDeclaration.Read(file, Deep.Activation, null, 1f);
    }

    private string Refused(CompiledModel compiled, params (string, object?)[] changes)
    {
        ModelFile file = ModelFile.Open(Deep.SaveConfig(_folder, changes));
        return Should.Throw<ModelFormatException>(() => compiled.Load(file, Device.Cpu(1), new LoadOptions())).Message;
    }
}
