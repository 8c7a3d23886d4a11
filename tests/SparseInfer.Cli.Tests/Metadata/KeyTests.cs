using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Keys of tiny llama files: what changes the result is refused by its name, what does not is no hindrance.</summary>
public sealed class KeyTests : IDisposable
{
    private const string Undeclarable = "which cannot be declared";

    /// <summary>The declaration of all files here.</summary>
    private static readonly Lazy<CompiledModel> Compiled = new(() => ModelCompiler.Compile(Declared, CancellationToken.None));

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;

    private static ModelDeclaration Declared => new()
    {
        Name = "Tiny",
        Hidden = TinyModel.Hidden,
        Layers = TinyModel.Layers,
        Vocabulary = TinyModel.Vocabulary,
        Context = TinyModel.Context,
        Heads = TinyModel.Heads,
        KeyValueHeads = TinyModel.KeyValueHeads,
        Intermediate = TinyModel.Intermediate,
        Weights = [WeightType.F32],
    };

    public static TheoryData<string, object, string> RefusedInGguf => new()
    {
        { "residual_scale", 0.22f, Undeclarable },
        { "logit_scale", 0.25f, Undeclarable },
        { "embedding_scale", 12f, "[Embedding] Scale = 1 is declared" },
        { "embedding_scale", float.NaN, "[Embedding] Scale = 1 is declared" },
        { "embedding_scale", "12", "[Embedding] Scale = 1 is declared" },
        { "rope.scale_linear", 4f, "[Attention] RopeScaling = 1 is declared" },
        { "rope.scaling.factor", 4, "[Attention] RopeScaling = 1 is declared" },
        { "rope.scaling.type", "yarn", "only linear scaling" },
        { "rope.scaling.type", "longrope", "only linear scaling" },
        { "rope.scaling.attn_factor", 1.5f, Undeclarable },
        { "rope.scaling.alpha", 1000f, Undeclarable },
        { "rope.freq_base", 500000f, "[Attention] RopeTheta = 10000 is declared" },
        { "rope.freq_base_swa", 500000.0, "[Attention] RopeTheta = 10000 is declared" },
        { "rope.dimension_count", 4u, "[Attention] RopeDimensions = 8 is declared" },
        { "rope.dimension_sections", new[] { 2, 2, 0, 0 }, Undeclarable },
        { "attention.sliding_window", 4u, "[DecoderModel] Context = 32 is declared" },
        { "attention.sliding_window", new[] { 4, 0 }, "layers differ" },
        { "attention.sliding_window", float.NaN, "[DecoderModel] Context = 32 is declared" },
        { "attention.scale", 0.5f, Undeclarable },
        { "attention.causal", false, Undeclarable },
        { "attention.clamp_kqv", 8f, Undeclarable },
        { "attention.max_alibi_bias", 8f, Undeclarable },
        { "attention.temperature_scale", 0.1f, Undeclarable },
        { "attention.output_scale", 2f, Undeclarable },
        { "attention.value_scale", 2f, Undeclarable },
        { "attention.key_length", 16u, "[Attention] HeadDimension = 8 is declared" },
        { "attention.value_length", 16u, "[Attention] HeadDimension = 8 is declared" },
        { "attention.head_count", new[] { 2, 2 }, "[Attention] Heads = 4 is declared" },
        { "attention.head_count", new[] { 4, 2 }, "layers differ" },
        { "attention.head_count", "many", "must be a number" },
        { "attention.head_count_kv", new[] { 2, 1 }, "layers differ" },
        { "attention.layer_norm_rms_epsilon", 1e-6f, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "attention.layer_norm_epsilon", 1e-6f, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "attn_logit_softcapping", 50f, Undeclarable },
        { "final_logit_softcapping", 30f, Undeclarable },
        { "use_parallel_residual", true, Undeclarable },
        { "swin_norm", true, Undeclarable },
        { "expert_count", 8u, Undeclarable },
        { "expert_used_count", 2u, Undeclarable },
        { "nextn_predict_layers", 1u, Undeclarable },
        { "pooling_type", 1u, Undeclarable },
        { "vocab_size", 41u, "[DecoderModel] Vocabulary = 40 is declared" },
        { "block_count", 3.0, "[DecoderModel] Layers = 2 is declared" },
        { "block_count", "3", "[DecoderModel] Layers = 2 is declared" },
        { "block_count", 2.5f, "is 2.5, but [DecoderModel] Layers = 2 is declared" },
        { "block_count", true, "must be a number" },
        { "embedding_length", 64ul, "[DecoderModel] Hidden = 32 is declared" },
        { "embedding_length_out", 16u, "[DecoderModel] Hidden = 32 is declared" },
        { "feed_forward_length", new[] { 48, 64 }, "layers differ" },
        { "feed_forward_length", new[] { 64f, 64f }, "[FeedForward] Intermediate = 48 is declared" },
        { "tensor_data_layout", "otherwise", Undeclarable },
        { "foo", 7u, "what it does is not known" },
        { "attention.foo", "bar", "is 'bar', and what it does is not known" },
    };

    public static TheoryData<string, object> HarmlessInGguf => new()
    {
        { "residual_scale", 1f },
        { "logit_scale", 1f },
        { "embedding_scale", 1.0 },
        { "embedding_scale", 0f },
        { "rope.scaling.type", "none" },
        { "rope.scaling.type", "linear" },
        { "rope.scaling.factor", 1f },
        { "rope.scaling.factor", 0f },
        { "rope.scaling.original_context_length", 16u },
        { "rope.scaling.finetuned", false },
        { "rope.dimension_count", 8.0 },
        { "rope.freq_base", 10000u },
        { "rope.dimension_sections", new[] { 0, 0, 0, 0 } },
        { "attention.sliding_window", 0u },
        { "attention.sliding_window", 32u },
        { "attention.sliding_window_pattern", 2u },
        { "attention.scale", 0f },
        { "attention.scale", 0.35355338f },
        { "attention.causal", true },
        { "attention.causal", 1u },
        { "attention.clamp_kqv", 0f },
        { "attention.max_alibi_bias", 0f },
        { "attn_logit_softcapping", 0f },
        { "final_logit_softcapping", 0f },
        { "use_parallel_residual", false },
        { "expert_count", 0u },
        { "expert_used_count", 0u },
        { "attention.head_count", new[] { 4, 4 } },
        { "attention.head_count", "4" },
        { "attention.head_count_kv", new[] { 2f, 2f } },
        { "block_count", 2.0 },
        { "block_count", "2" },
        { "block_count", 2ul },
        { "feed_forward_length", new[] { "48", "48" } },
        { "vocab_size", 40.0f },
        { "tensor_data_layout", "Meta AI original pth" },
        { "feed_forward.activation", "relu" },
    };

    public static TheoryData<string, object, string> RefusedInConfig => new()
    {
        { "residual_multiplier", 0.22, Undeclarable },
        { "logits_scaling", 8.0, Undeclarable },
        { "logit_scale", 0.0625, Undeclarable },
        { "attention_multiplier", 0.015625, Undeclarable },
        { "embedding_multiplier", 12.0, "[Embedding] Scale = 1 is declared" },
        { "scale_emb", 12, "[Embedding] Scale = 1 is declared" },
        { "scale_depth", 1.4, "layers add" },
        { "dim_model_base", 256, Undeclarable },
        { "query_pre_attn_scalar", 256, Undeclarable },
        { "partial_rotary_factor", 0.5, "'partial_rotary_factor' is 0.5, but [Attention] RopeDimensions = 8 is declared" },
        { "rotary_pct", 0.25, "[Attention] RopeDimensions = 8 is declared" },
        { "rotary_dim", 4, "[Attention] RopeDimensions = 8 is declared" },
        { "rope_theta", 500000, "[Attention] RopeTheta = 10000 is declared" },
        { "rope_parameters", new { rope_theta = 500000.0, rope_type = "default" }, "[Attention] RopeTheta = 10000 is declared" },
        { "rope_parameters", new { partial_rotary_factor = 0.5 }, "[Attention] RopeDimensions = 8 is declared" },
        { "rope_parameters", new { full_attention = new { rope_theta = 10000.0 } }, "what it does is not known" },
        { "rope_scaling", new { type = "linear", factor = 4.0 }, "[Attention] RopeScaling = 1 is declared" },
        { "rope_scaling", new { rope_type = "llama3", factor = 8.0, low_freq_factor = 1.0 }, "only linear scaling" },
        { "rope_scaling", new { rope_type = "yarn", factor = 4.0 }, "only linear scaling" },
        { "sliding_window", 4, "[DecoderModel] Context = 32 is declared" },
        { "layer_types", new[] { "sliding_attention", "full_attention" }, "no 'sliding_window'" },
        { "layer_types", new[] { "linear_attention", "full_attention" }, "layers differ in kind" },
        { "no_rope_layers", new[] { 1, 0 }, Undeclarable },
        { "attn_logit_softcapping", 50.0, Undeclarable },
        { "final_logit_softcapping", 30.0, Undeclarable },
        { "use_parallel_residual", true, Undeclarable },
        { "parallel_attn", true, Undeclarable },
        { "qk_layernorm", true, Undeclarable },
        { "alibi", true, Undeclarable },
        { "is_causal", false, Undeclarable },
        { "clip_qkv", 8, Undeclarable },
        { "num_local_experts", 8, Undeclarable },
        { "norm_eps", 1e-6, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "layer_norm_epsilon", 1e-6, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "rms_norm_eps", "1e-6", "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "hidden_act_param", 0.01, "[FeedForward] Threshold = 0 is declared" },
        { "num_hidden_layers", 3.0, "[DecoderModel] Layers = 2 is declared" },
        { "num_hidden_layers", "three", "must be a number" },
        { "num_hidden_layers", false, "must be a number" },
        { "intermediate_size", new[] { 48, 64 }, "layers differ" },
        { "vocab_size", 41, "[DecoderModel] Vocabulary = 40 is declared" },
        { "head_dim", 16, "[Attention] HeadDimension = 8 is declared" },
        { "attention_bias", true, "'model.layers.0.self_attn.q_proj.bias'" },
        { "mlp_bias", true, "'model.layers.0.mlp.down_proj.bias'" },
        { "tie_word_embeddings", true, "[Embedding] Tied = false is declared" },
        { "quantization_config", new { quant_method = "fp8", bits = 8 }, "an object with 2 keys" },
        { "vision_config", new { hidden_size = 64 }, "what it does is not known" },
        { "foo", 7, "what it does is not known" },
    };

    public static TheoryData<string, object> HarmlessInConfig => new()
    {
        { "residual_multiplier", 1.0 },
        { "attention_multiplier", 0.3535533905932738 },
        { "partial_rotary_factor", 1 },
        { "rope_scaling", new { type = "linear", factor = 1.0 } },
        { "rope_scaling", new { rope_type = "default", factor = 8.0 } },
        { "rope_parameters", new { rope_theta = 10000, rope_type = "default" } },
        { "sliding_window", 4096 },
        { "layer_types", new[] { "full_attention", "full_attention" } },
        { "no_rope_layers", new[] { 1, 1 } },
        { "attn_logit_softcapping", 0 },
        { "use_parallel_residual", false },
        { "alibi", false },
        { "is_causal", true },
        { "num_local_experts", 0 },
        { "norm_eps", 1e-5 },
        { "hidden_act", "relu" },
        { "hidden_act_param", 0 },
        { "num_hidden_layers", 2.0 },
        { "num_hidden_layers", "2" },
        { "num_attention_heads", new[] { 4, 4 } },
        { "attention_bias", false },
        { "mlp_bias", false },
        { "auto_map", new { AutoConfig = "configuration.Config" } },
        { "pretraining_tp", 2 },
        { "attention_dropout", 0.1 },
        { "id2label", new Dictionary<string, string> { ["0"] = "LABEL_0" } },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(RefusedInGguf))]
    public void A_key_of_a_gguf_file_that_changes_the_result_is_refused(string key, object value, string fragment)
    {
        string message = Refused(Gguf(($"llama.{key}", value)));
        message.ShouldContain($"'llama.{key}'");
        message.ShouldContain(fragment);
        message.Split('\n').Length.ShouldBe(2, message);

        Load(Gguf(($"llama.{key}", value)), new LoadOptions { IgnoreMetadata = [$"llama.{key}"] }).Notes
            .ShouldContain(note => note.StartsWith($"Ignored on request: 'llama.{key}'", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(HarmlessInGguf))]
    public void A_key_of_a_gguf_file_that_changes_nothing_is_no_hindrance(string key, object value) =>
        NotesOf(Gguf(($"llama.{key}", value))).ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(RefusedInConfig))]
    public void A_key_of_a_config_that_changes_the_result_is_refused(string key, object value, string fragment)
    {
        string message = Refused(Config((key, value)));
        message.ShouldContain($"'{key}");
        message.ShouldContain(fragment);
        message.Split('\n').Length.ShouldBe(2, message);

        Load(_folder, new LoadOptions { IgnoreMetadata = [key] }).Notes.ShouldContain(note => note.StartsWith($"Ignored on request: '{key}'", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(HarmlessInConfig))]
    public void A_key_of_a_config_that_changes_nothing_is_no_hindrance(string key, object value) =>
        NotesOf(Config((key, value))).ShouldBeEmpty();

    [Fact]
    public void What_passes_is_computed_as_its_definition()
    {
        string path = Gguf([.. HarmlessInGguf.Select(row => ((string, object?))($"llama.{row.Data.Item1}", row.Data.Item2)).DistinctBy(pair => pair.Item1)]);
        using LanguageModel model = Compiled.Value.Load(ModelFile.Open(path), Device.Cpu(1), new LoadOptions());
        Logits.ShouldBeThoseOf(new TinyReference(Tiny, halfSplit: false), model);
    }

    [Theory]
    [InlineData("opt", "its positions are learned, not rotary")]
    [InlineData("qwen3", "it normalizes queries and keys")]
    [InlineData("gemma3", "it normalizes after attention and feed-forward")]
    [InlineData("olmo2", "it normalizes after attention and feed-forward")]
    [InlineData("bitnet", "it normalizes inside attention and feed-forward")]
    [InlineData("command-r", "its attention and feed-forward run in parallel")]
    [InlineData("falcon", "its attention and feed-forward run in parallel")]
    [InlineData("smollm3", "some of its layers have no rotary embedding")]
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
    public void A_form_that_cannot_be_computed_is_refused(string type, string name, string reason)
    {
        string message = Refused(Config(("model_type", type), ("architectures", new[] { name })));
        message.ShouldContain($"architecture {type} is not supported");
        message.ShouldContain(reason);
    }

    [Theory]
    [InlineData(null, "OPTForCausalLM", "architecture opt is not supported: its positions are learned")]
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
            () => Renamed("qwen3"),
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
        Refused(Gguf(), new LoadOptions { Architecture = "qwen3" }).ShouldContain("it normalizes queries and keys");
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
        Refused(Gguf(("llama.block_count", 3u))).ShouldContain($"'sparseinfer bench -m {At("tiny.gguf")} --print-declaration' writes the class that does");
    }

    [Fact]
    public void A_window_is_declared_as_the_context_that_it_leaves()
    {
        string path = Gguf(("llama.attention.sliding_window", 16u));
        using ModelFile file = ModelFile.Open(path);
        FileDeclaration.Read(file, Activation.Relu, null, 1f).Context.ShouldBe(16);
    }

    [Theory]
    [InlineData("llama.foo", 7u, "'llama.foo' is 7")]
    [InlineData("llama.logit_scale", 0.25f, "logits are scaled")]
    [InlineData("general.architecture", "opt", "architecture opt is not supported")]
    [InlineData("llama.attention.head_count", "many", "must be a number")]
    public void What_load_refuses_of_any_declaration_is_not_declared(string key, object value, string message)
    {
        using ModelFile file = ModelFile.Open(Gguf((key, value)));
        Should.Throw<CliException>(() => FileDeclaration.Read(file, Activation.Relu, null, 1f)).Message.ShouldContain(message);
    }

    private static TinyModel Tiny => TinyModels.Llama;

    private string Gguf(params (string Key, object? Value)[] changes) => Tiny.SaveGguf(At("tiny.gguf"), changes);

    /// <summary>A file whose keys have another architecture's name.</summary>
    private string Renamed(string architecture, params (string Key, object? Value)[] changes) =>
        (Tiny with { Architecture = architecture }).SaveGguf(At("renamed.gguf"), changes);

    private string Config(params (string Key, object? Value)[] changes)
    {
        File.Delete(At("tiny.gguf"));
        return Tiny.SaveConfig(_folder, changes);
    }

    private string At(string name) => Path.Combine(_folder, name);

    /// <summary>All but that there is no tokenizer, which these files do not have.</summary>
    private static IEnumerable<string> NotesOf(string path) =>
        Load(path).Notes.Where(note => !note.StartsWith("No tokenizer", StringComparison.Ordinal));

    private static LoadReport Load(string path, LoadOptions? options = null)
    {
        using LanguageModel model = Compiled.Value.Load(ModelFile.Open(path), Device.Cpu(1), options ?? new LoadOptions());
        return model.LoadReport;
    }

    private static string Refused(string path, LoadOptions? options = null) => Should.Throw<ModelFormatException>(() => Load(path, options)).Message;
}
