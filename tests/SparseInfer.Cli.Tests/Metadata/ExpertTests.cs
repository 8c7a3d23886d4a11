using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Files of experts: declared from the file alone, computed, and refused where they contradict the declaration or themselves.</summary>
public sealed class ExpertTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static TinyModel SmallThinker => TinyModels.Of("smallthinker");

    public static TheoryData<string> Names => [.. TinyExperts.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_gguf_file_of_experts_is_declared_and_computed(string name)
    {
        TinyModel tiny = TinyExperts.Of(name);
        using LanguageModel model = Open(Read(tiny, Gguf(tiny)), Gguf(tiny));
        Logits.ShouldBeThoseOf(new TinyReference(tiny, tiny.HalfSplit), model);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_of_smallthinker_without_windows_is_declared_and_computed(bool softmax)
    {
        TinyModel tiny = TinyExperts.SmallThinker(window: 0, softmax);
        using LanguageModel model = Open(Read(tiny, tiny.SaveConfig(_folder)), _folder);
        Logits.ShouldBeThoseOf(new TinyReference(tiny, halfSplit: true), model);
    }

    /// <summary>Each tensor's memory is freed when all experts' matrices in it were copied, and not before.</summary>
    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    public void A_model_in_memory_is_computed_too(WeightType converted)
    {
        ModelDeclaration declared = Read(SmallThinker, Gguf(SmallThinker)) with { Weights = [converted] };
        using ModelFile file = ModelFile.Open(Gguf(SmallThinker));
        ModelFile copy = ModelFile.FromMemory("copy", file.Metadata, [.. file.Tensors.Select(Copy)]);
        var options = new LoadOptions { ConvertWeights = true };
        using LanguageModel inMemory = ModelCompiler.Compile(declared, TestContext.Current.CancellationToken).Load(copy, Device.Cpu(1), options);
        using LanguageModel fromFile = ModelCompiler.Compile(declared, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(Gguf(SmallThinker)), Device.Cpu(1), options);
        using Session a = inMemory.CreateSession();
        using Session b = fromFile.CreateSession();
        a.Forward([3, 1, 4]).ToArray().ShouldBe(b.Forward([3, 1, 4]).ToArray());
    }

    private static TensorInMemory Copy(TensorInfo tensor)
    {
        NativeBuffer bytes = NativeBuffer.Allocate(tensor.ByteLength);
        tensor.Bytes.CopyTo(bytes.AsSpan<byte>());
        return new TensorInMemory(tensor.Name, tensor.Type, [.. tensor.Shape], bytes);
    }

    [Fact]
    public void The_declaration_says_what_the_file_does()
    {
        string text = Read(SmallThinker, Gguf(SmallThinker)).ToText();
        text.ShouldContain("[SlidingWindow(Window = 4, Layers = \"1..3\", Period = 4)]\n[NoRope(Layers = \"0\", Period = 4)]\n"
            + "[FeedForward(Intermediate = 48, Activation = Activation.Relu, Gated = true)]\n"
            + "[Experts(Count = 6, Active = 3, Gating = ExpertGating.Sigmoid, Router = RouterInput.Layer)]\n");
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "config")).FullName;
        Read(TinyModels.Of("mixtral"), TinyModels.Of("mixtral").SaveConfig(folder)).ToText().ShouldContain("[Experts(Count = 5, Active = 2)]");
    }

    [Theory]
    [InlineData("expert_count", 7u, "'smallthinker.expert_count' is 7, but [Experts] Count = 6 is declared")]
    [InlineData("expert_used_count", 2u, "'smallthinker.expert_used_count' is 2, but [Experts] Active = 3 is declared")]
    [InlineData("expert_gating_func", 1u, "'smallthinker.expert_gating_func' is 1, which is Softmax, but [Experts] Gating = Sigmoid is declared")]
    [InlineData("expert_gating_func", 4u, "'smallthinker.expert_gating_func' is 4, but only 1 (Softmax) and 2 (Sigmoid) can be declared")]
    [InlineData("expert_feed_forward_length", 64u, "[FeedForward] Intermediate = 48 is declared")]
    [InlineData("leading_dense_block_count", 1u, "some layers have no experts")]
    [InlineData("attention.sliding_window", 5u, "'smallthinker.attention.sliding_window' is 5, and the attention of layer 1 looks back no further, but [SlidingWindow] Window = 4 is declared for layer 1")]
    [InlineData("attention.sliding_window_pattern", 2u, "layers without a window are not every fourth")]
    public void A_key_that_says_otherwise_is_one_error(string key, uint value, string problem)
    {
        string message = Should.Throw<ModelFormatException>(() => Open(Read(SmallThinker, Gguf(SmallThinker)), Gguf(SmallThinker, ($"smallthinker.{key}", value)))).Message;
        message.ShouldContain(problem);
        message.Split('\n').Length.ShouldBe(2, message);
    }

    /// <summary>Without a window no layer is without rotation.</summary>
    [Fact]
    public void Layers_that_rotate_follow_from_whether_there_is_a_window()
    {
        ModelDeclaration declared = Read(SmallThinker, Gguf(SmallThinker));
        string message = Should.Throw<ModelFormatException>(
            () => Open(declared, Gguf(SmallThinker, ("smallthinker.attention.sliding_window", 0u)))).Message;
        message.ShouldContain("'smallthinker.attention.sliding_window' is 0, which does not bound the attention of layer 1, but [SlidingWindow] Window = 4 is declared for layer 1");
        message.ShouldContain("'general.architecture' is 'smallthinker', so layer 0 rotates queries and keys, but [NoRope] is declared for it");
        Should.Throw<ModelFormatException>(() => Open(declared with { UnrotatedLayers = null }, Gguf(SmallThinker))).Message.ShouldContain(
            "'general.architecture' is 'smallthinker', with a window, so layer 0 rotates no queries and keys, but no [NoRope] is declared for it");
    }

    [Fact]
    public void Experts_that_do_not_fit_their_tensors_are_an_error_a_tensor_and_none_an_expert()
    {
        TinyModel tiny = TinyExperts.SmallThinker(window: 0);
        ModelDeclaration declared = Read(tiny, Gguf(tiny)) with { Experts = 5 };
        string message = Should.Throw<ModelFormatException>(
            () => Open(declared, Gguf(tiny, ("smallthinker.expert_count", 5u)))).Message;
        string[] problems = message.Split('\n')[1..];
        problems.Length.ShouldBe(4 * TinyModel.Layers, message);
        problems.ShouldContain("  tensor 'blk.0.ffn_gate_exps.weight' is [6, 48, 32], but [5, 48, 32] ([Experts] Count x Intermediate x Hidden) is declared");
        problems.ShouldContain("  tensor 'blk.1.ffn_gate_inp.weight' is [6, 32], but [5, 32] (Experts x Hidden) is declared");
    }

    [Fact]
    public void A_file_of_experts_is_no_model_without_and_one_without_is_none_with()
    {
        ModelDeclaration withExperts = Read(TinyExperts.Llama, Gguf(TinyExperts.Llama));
        Should.Throw<ModelFormatException>(() => Open(withExperts with { Experts = 0, ActiveExperts = 0 }, Gguf(TinyExperts.Llama)))
            .Message.ShouldContain("'llama.expert_count' is 4, but no experts are declared: add [Experts(Count = 4, Active = ...)]");
        Should.Throw<ModelFormatException>(() => Open(withExperts, Gguf(TinyModels.Llama)))
            .Message.ShouldContain("'llama.expert_count' is absent, which means 0, but [Experts] Count = 4 is declared");
    }

    [Fact]
    public void An_expert_that_a_folder_has_not_is_named()
    {
        TinyModel mixtral = TinyModels.Of("mixtral");
        ModelDeclaration declared = Read(mixtral, mixtral.SaveConfig(_folder)) with { Experts = 6 };
        string message = Should.Throw<ModelFormatException>(() => Open(declared, mixtral.SaveConfig(_folder, ("num_local_experts", 6)))).Message;
        message.ShouldContain("tensor 'model.layers.0.block_sparse_moe.experts.5.w1.weight' is missing");
        message.ShouldContain("tensor 'model.layers.0.block_sparse_moe.gate.weight' is [5, 32], but [6, 32]");
    }

    private string Gguf(TinyModel tiny, params (string Key, object? Value)[] changes) => tiny.SaveGguf(Path.Combine(_folder, "tiny.gguf"), changes);

    private static ModelDeclaration Read(TinyModel tiny, string path)
    {
        using ModelFile file = ModelFile.Open(path);
        return FileDeclaration.Read(file, tiny.Architecture == "smallthinker" ? null : tiny.Activation, null, 1f);
    }

    private static LanguageModel Open(ModelDeclaration declared, string path) => ModelCompiler.Compile(declared, TestContext.Current.CancellationToken)
        .Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());
}
