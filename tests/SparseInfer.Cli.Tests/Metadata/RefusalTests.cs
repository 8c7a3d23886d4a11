using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>What is said of a file that a declaration does not fit, and what overrides it.</summary>
public sealed class RefusalTests : TinyFileTests
{
    [Theory]
    [InlineData("gpt2", "its positions are learned, not rotary")]
    [InlineData("hunyuan-dense", "it normalizes queries and keys")]
    [InlineData("gemma3", "it normalizes after attention and feed-forward")]
    [InlineData("olmo2", "it normalizes after attention and feed-forward")]
    [InlineData("minicpm3", "its attention is latent (MLA)")]
    [InlineData("command-r", "its attention and feed-forward run in parallel")]
    [InlineData("phi2", "its attention and feed-forward run in parallel")]
    [InlineData("granite_swa", "some of its layers have no rotary embedding")]
    [InlineData("mamba", "it is recurrent")]
    [InlineData("qwen3moe", "its feed-forward is a mixture of experts")]
    [InlineData("foo", "it is not known. Known are llama")]
    [InlineData("LLaMA", "it is not known; the closest is 'llama'")]
    [InlineData("qwen22", "it is not known; the closest is 'qwen2'")]
    public void An_architecture_that_cannot_be_declared_is_said_alone(string name, string reason)
    {
        string folder = Directory.CreateDirectory(At("config")).FullName;
        foreach (string path in new[] { Gguf(("general.architecture", name)), Tiny.SaveConfig(folder, ("model_type", name), ("architectures", null)) })
        {
            string message = Refused(path);
            message.ShouldStartWith($"{path}: architecture {name} is not supported: {reason}");
            message.ShouldNotContain("\n");
        }
    }

    [Theory]
    [InlineData("gemma", "GemmaForCausalLM", "its norms add 1")]
    [InlineData("nemotron", "NemotronForCausalLM", "LayerNorm1p")]
    [InlineData("ernie4_5", "Ernie4_5ForCausalLM", "its rotary pairs are neighbours")]
    [InlineData("internlm2", "InternLM2ForCausalLM", "convert the model to GGUF")]
    [InlineData("starcoder2", "Starcoder2ForCausalLM", "convert the model to GGUF")]
    [InlineData("bitnet", "BitNetForCausalLM", "its weights become ternary when it runs")]
    [InlineData("exaone", "ExaoneForCausalLM", "convert the model to GGUF")]
    public void A_form_that_cannot_be_computed_is_refused(string type, string name, string reason)
    {
        string message = Refused(Config(("model_type", type), ("architectures", new[] { name })));
        message.ShouldContain($"architecture {type} is not supported");
        message.ShouldContain(reason);
    }

    [Theory]
    [InlineData(null, "GPTNeoForCausalLM", "architecture gpt_neo is not supported: its positions are learned")]
    [InlineData(null, "GPTNeoXForCausalLM", "is not supported: its query, key and value are one matrix")]
    [InlineData(null, "FooForCausalLM", "architecture FooForCausalLM is not supported: it is not known")]
    [InlineData("llama", "FooForCausalLM", "'architectures' names 'FooForCausalLM'")]
    [InlineData("llama", "LlamaForSequenceClassification", "'architectures' names 'LlamaForSequenceClassification'")]
    [InlineData("llama", "SparseLlamaForCausalLM", "'architectures' names 'SparseLlamaForCausalLM'")]
    [InlineData(null, null, "neither 'model_type' nor 'architectures'")]
    public void The_class_of_a_config_must_be_the_architectures(string? type, string? name, string message) =>
        Refused(Config(("model_type", type), ("architectures", name is null ? null : new[] { name }))).ShouldContain(message);

    [Fact]
    public void A_model_of_several_parts_is_told_which_is_the_language_model() =>
        Refused(Config(("model_type", "llava"), ("text_config", new { model_type = "llama", hidden_size = 32 })))
            .ShouldContain("Its language model is 'llama' ('text_config.model_type'): export that alone");

    [Fact]
    public void An_architecture_can_be_named_in_the_files_place()
    {
        foreach (Func<string> save in new Func<string>[]
        {
            () => Renamed("foo"),
            () => Renamed("hunyuan-dense"),
            () => Gguf(("general.architecture", null)),
            () => Config(("model_type", "foo"), ("architectures", new[] { "FooForCausalLM" })),
        })
        {
            string path = save();
            Refused(path);
            Load(path, new LoadOptions { Architecture = "llama" }).Notes.Count.ShouldBeGreaterThanOrEqualTo(1);
        }

        Load(Renamed("foo"), new LoadOptions { Architecture = "llama" }).Notes.ShouldContain("The file says architecture 'foo'; it is read as 'llama'.");
        Refused(Renamed("foo"), new LoadOptions { Architecture = "lama" })
            .ShouldContain("LoadOptions.Architecture = lama is not supported: it is not known; the closest is 'llama'");
        Refused(Gguf(), new LoadOptions { Architecture = "hunyuan-dense" }).ShouldContain("it normalizes queries and keys");
        Refused(Gguf(), new LoadOptions { Architecture = "qwen2" })
            .ShouldContain("the file is read as 'qwen2', but [Attention] RopePairing = Interleaved is declared; such files pair HalfSplit");

        // Its keys still count.
        Refused(Renamed("foo", ("foo.rope.freq_base", 5000f)), new LoadOptions { Architecture = "llama" }).ShouldContain("'foo.rope.freq_base' is 5000");
    }

    [Fact]
    public void A_misspelt_key_to_ignore_is_named_with_the_closest()
    {
        string message = Refused(Gguf(("llama.foo", 7u)), new LoadOptions { IgnoreMetadata = ["llama.fo"] });
        message.ShouldContain("'llama.foo' is 7");
        message.ShouldContain("LoadOptions.IgnoreMetadata names 'llama.fo', which the file does not have; the closest is 'llama.foo'");
        Refused(Gguf(), new LoadOptions { IgnoreMetadata = ["foo"] }).ShouldContain("names 'foo', which the file does not have");
        Refused(Config(), new LoadOptions { IgnoreMetadata = ["foo"] }).ShouldContain("names 'foo', which the file does not have");
    }

    [Fact]
    public void What_an_absent_key_means_can_be_ignored_by_its_name()
    {
        string path = new TinyModel("minicpm").SaveGguf(At("minicpm.gguf"), ("minicpm.embedding_scale", 1f), ("minicpm.logit_scale", 1f));
        Refused(path).ShouldContain("'minicpm.residual_scale' is absent, which means 0.98994946 in architecture minicpm");
        Load(path, new LoadOptions { IgnoreMetadata = ["minicpm.residual_scale"] }).Notes
            .ShouldContain("Ignored on request: 'minicpm.residual_scale', which is absent.");
    }

    [Fact]
    public void An_epsilon_that_a_config_leaves_out_is_its_classes()
    {
        Refused(Config(("rms_norm_eps", null)))
            .ShouldContain("'rms_norm_eps' is absent, which means 1E-06 in architecture llama, but [RmsNorm] Epsilon = 1E-05 is declared");
        Load(At("model.safetensors"), new LoadOptions { IgnoreMetadata = ["rms_norm_eps"] }).Notes
            .ShouldContain("Ignored on request: 'rms_norm_eps', which is absent.");
        using ModelFile file = ModelFile.Open(At("model.safetensors"));
        FileDeclaration.Read(file, Activation.Relu, null, 1f).NormEpsilon.ShouldBe(1e-6f);
    }

    [Fact]
    public void A_theta_that_a_config_leaves_out_is_its_classes() =>
        Refused(Config(("model_type", "PanguEmbedded"), ("architectures", null), ("rope_theta", null)))
            .ShouldContain("'rope_theta' is absent, which means 16000000 in architecture pangu-embedded");

    [Fact]
    public void An_epsilon_that_nothing_says_is_a_problem()
    {
        const string Key = "llama.attention.layer_norm_rms_epsilon";
        string path = Gguf((Key, null));
        Refused(path).ShouldContain($"'{Key}' is absent, so the file says no epsilon of its norms");
        Load(path, new LoadOptions { IgnoreMetadata = [Key] }).Notes.ShouldContain($"Ignored on request: '{Key}', which is absent.");
        string orion = new TinyModel("orion") { LayerNorm = true, HalfSplit = true }
            .SaveGguf(At("orion.gguf"), ("orion.attention.layer_norm_epsilon", null));
        Refused(orion).ShouldContain("'orion.attention.layer_norm_epsilon' is absent, so the file says no epsilon");
    }

    [Fact]
    public void A_threshold_is_that_of_fatrelu()
    {
        Refused(Config(("hidden_act", "fatrelu"), ("hidden_act_param", 0.01)))
            .ShouldContain("'hidden_act_param' is 0.01, but [FeedForward] Threshold = 0 is declared");

        // Nothing says the threshold: the user must.
        using ModelFile file = ModelFile.Open(Config(("hidden_act", "fatrelu")));
        Should.Throw<CliException>(() => FileDeclaration.Read(file, null, null, 1f)).Message.ShouldContain("--threshold T");
        FileDeclaration.Read(file, null, 0.01f, 1f).Threshold.ShouldBe(0.01f);
    }

    [Theory]
    [InlineData("relu", false)]
    [InlineData("drelu", false)]
    [InlineData("silu", true)]
    public void Bamboo_is_drelu_whatever_its_config_calls_it(string name, bool isNoted)
    {
        string path = TinyModels.Of("bamboo").SaveConfig(Directory.CreateDirectory(At("bamboo")).FullName, ("hidden_act", name));
        ModelDeclaration declaration;
        using (ModelFile file = ModelFile.Open(path))
        {
            declaration = FileDeclaration.Read(file, null, null, 1f);
        }

        declaration.Activation.ShouldBe(Activation.DRelu);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());
        model.LoadReport.Notes.Any(note => note.Contains("names the activation", StringComparison.Ordinal)).ShouldBe(isNoted);
    }

    [Fact]
    public void The_window_of_a_qwen2_config_counts_only_where_it_is_switched_on()
    {
        string folder = Directory.CreateDirectory(At("qwen2")).FullName;
        Window(("use_sliding_window", null), ("max_window_layers", 1)).ShouldBeNull();
        Window(("use_sliding_window", true)).ShouldBeNull(); // there are no 28 layers
        Window(("use_sliding_window", true), ("max_window_layers", 1)).ShouldBe(new LayersText("1", 0));

        LayersText? Window(params (string Key, object? Value)[] changes)
        {
            using ModelFile file = ModelFile.Open(TinyModels.Of("qwen2").SaveConfig(folder, changes));
            return FileDeclaration.Read(file, Activation.Silu, null, 1f).WindowLayers;
        }
    }

    [Fact]
    public void Bench_names_its_own_options_and_takes_them()
    {
        string foo = Gguf(("llama.foo", 7u), ("llama.bar", 7u));
        string[] bench = ["bench", "-m", foo, "--activation", "relu", "-p", "2", "-n", "2", "-r", "1", "-t", "1", "--modes", "dense", "--probe-mib", "1"];
        ToolResult refused = ToolProgram.Call(bench);
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("name it in --ignore-metadata");
        refused.Error.ShouldNotContain("LoadOptions");
        ToolResult measured = ToolProgram.Call([.. bench, "--ignore-metadata", "llama.foo", "--ignore-metadata", "llama.bar"]);
        measured.ExitCode.ShouldBe(0, measured.Error);
        ToolProgram.Call([.. bench, "--ignore-metadata", "llama.fo"]).Error
            .ShouldContain("'llama.foo' is 7");

        string[] print = ["declare", Renamed("foo"), "--activation", "relu"];
        ToolProgram.Call(print).Error.ShouldContain("give --architecture and its name");
        ToolProgram.Call([.. print, "--architecture", "lama"]).Error.ShouldContain("--architecture lama is not supported");
        ToolResult printed = ToolProgram.Call([.. print, "--architecture", "llama"]);
        printed.ExitCode.ShouldBe(0, printed.Error);
        printed.Output.ShouldContain("[DecoderModel(Hidden = 32");

        ToolProgram.Call("bench", "--synthetic", "llama-2-7b", "--architecture", "llama").Error.ShouldContain("--architecture goes with -m only");
    }

    [Theory]
    [InlineData("llama.vocab_size", 41u, "token_embd.weight", 40)]
    [InlineData("llama.feed_forward_length", 64u, "blk.0.ffn_up.weight", 48)]
    public void A_size_that_a_tensor_contradicts_is_not_declared(string key, uint value, string tensor, int rows)
    {
        using ModelFile file = ModelFile.Open(Gguf((key, value)));
        Should.Throw<CliException>(() => FileDeclaration.Read(file, Activation.Relu, null, 1f)).Message
            .ShouldContain($"'{key}' is {value}, but tensor '{tensor}' has {rows} rows");
    }

    [Fact]
    public void Keys_of_another_architecture_are_not_taken_for_the_files_nor_passed_over() =>
        Refused(Gguf(("qwen2.rope.freq_base", 5000f), ("qwen2.block_count", 3u)))
            .ShouldContain("'qwen2.rope.freq_base' and 1 more would be of architecture 'qwen2', but the file is read as llama");

    [Fact]
    public void An_architecture_of_layer_norm_or_of_one_activation_must_be_declared_so()
    {
        string orion = new TinyModel("orion") { LayerNorm = true }.SaveGguf(At("orion.gguf"));
        Refused(orion).ShouldContain("'general.architecture' is 'orion', which has LayerNorm, but [RmsNorm] is declared");
        string arcee = new TinyModel("arcee").SaveGguf(At("arcee.gguf"));
        Refused(arcee).ShouldContain("'general.architecture' is 'arcee', which has SquaredRelu, but [FeedForward] Activation = Relu is declared");
    }

    [Fact]
    public void Sizes_that_differ_come_first_then_ten_problems_and_how_to_get_the_class()
    {
        string path = Gguf(
            [("llama.embedding_length", 64u), .. Enumerable.Range(0, 15).Select(i => ((string, object?))($"llama.foo{i}", 1u)), ("llama.block_count", 3u)]);
        string[] lines = Refused(path).Split('\n');
        lines[0].ShouldEndWith("does not fit the declared model Tiny:");
        lines[1].ShouldBe("  'llama.block_count' is 3, but [DecoderModel] Layers = 2 is declared");
        lines[2].ShouldBe("  'llama.embedding_length' is 64, but [DecoderModel] Hidden = 32 is declared");
        lines.Length.ShouldBe(1 + 2 + 10 + 1);
        lines[^1].ShouldBe("  ... and 5 more");

        // What can be declared otherwise, the tool declares.
        Refused(Gguf(("llama.block_count", 3u))).ShouldContain($"'sparseinfer declare {At("tiny.gguf")}' writes the class that does");
        Refused(Gguf(("llama.block_count", 3u), ("llama.foo", 1u)), new LoadOptions { Architecture = "llama", IgnoreMetadata = ["llama.foo"] })
            .ShouldContain($"'sparseinfer declare {At("tiny.gguf")} --architecture llama --ignore-metadata llama.foo'");
    }

    [Fact]
    public void A_window_leaves_the_context_as_it_is()
    {
        string path = Gguf(("llama.attention.sliding_window", 16u));
        using ModelFile file = ModelFile.Open(path);
        ModelDeclaration declaration = FileDeclaration.Read(file, Activation.Relu, null, 1f);
        (declaration.Context, declaration.Window, declaration.WindowLayers).ShouldBe((32, 16, new LayersText(null, 0)));
    }

    [Theory]
    [InlineData("llama.foo", 7u, "'llama.foo' is 7")]
    [InlineData("llama.logit_scale", 0.25f, "logits are scaled")]
    [InlineData("general.architecture", "phi3", "architecture phi3 is not supported")]
    [InlineData("llama.attention.head_count", "many", "must be a number")]
    public void What_load_refuses_of_any_declaration_is_not_declared(string key, object value, string message)
    {
        using ModelFile file = ModelFile.Open(Gguf((key, value)));
        Should.Throw<CliException>(() => FileDeclaration.Read(file, Activation.Relu, null, 1f)).Message.ShouldContain(message);
    }
}
