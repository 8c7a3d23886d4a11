namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Keys of tiny llama files: what changes the result is refused by its name, what does not is no hindrance.</summary>
public sealed class KeyTests : TinyFileTests
{
    private const string Undeclarable = "which cannot be declared";

    public static TheoryData<string, object, string> RefusedInGguf => new()
    {
        { "residual_scale", 0.22f, Undeclarable },
        { "logit_scale", 0.25f, Undeclarable },
        { "embedding_scale", 12f, "[Embedding] Scale = 1 is declared" },
        { "embedding_scale", float.NaN, "[Embedding] Scale = 1 is declared" },
        { "embedding_scale", "12", "[Embedding] Scale = 1 is declared" },
        { "rope.scale_linear", 4f, "[Attention] RopeScaling = 1 is declared" },
        { "rope.scaling.factor", 4, "[Attention] RopeScaling = 1 is declared" },
        { "rope.scaling.type", "yarn", "is 'yarn', but there is no factor of at least 1" },
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
        { "expert_count", 8u, "no experts are declared: add [Experts(Count = 8, Active = ...)]" },
        { "expert_used_count", 2u, "[Experts] Active = 0 is declared" },
        { "expert_shared_count", 1u, Undeclarable },
        { "expert_weights_scale", 2.5f, Undeclarable },
        { "expert_weights_norm", false, Undeclarable },
        { "expert_feed_forward_length", 64u, "[FeedForward] Intermediate = 48 is declared" },
        { "nextn_predict_layers", 1u, Undeclarable },
        { "pooling_type", 4u, "the output is a score" },
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
        { "expert_weights_scale", 0f },
        { "expert_feed_forward_length", 48u },
        { "leading_dense_block_count", 1u },
        { "pooling_type", 0u },
        { "pooling_type", 1u },
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
        {
            "rope_scaling", new { rope_type = "llama3", factor = 8.0, low_freq_factor = 1.0 },
            "declare [Llama3Scaling(Factor = 8, OriginalContext = 32, LowFrequencyFactor = 1, HighFrequencyFactor = 4)]"
        },
        {
            "rope_scaling", new { rope_type = "yarn", factor = 4.0, attention_factor = 1.5 },
            "declare [YarnScaling(Factor = 4, OriginalContext = 32, BetaFast = 32, BetaSlow = 1, AttentionFactor = 1.5)]"
        },
        { "rope_scaling", new { rope_type = "longrope", factor = 4.0 }, "only linear scaling" },
        { "sliding_window", 4, "[DecoderModel] Context = 32 is declared" },
        { "layer_types", new[] { "sliding_attention", "full_attention" }, "no 'sliding_window'" },
        { "layer_types", new[] { "linear_attention", "full_attention" }, "layers differ in kind" },
        { "no_rope_layers", new[] { 1, 0 }, "layer 1 rotates no queries and keys, but no [NoRope] is declared" },
        { "no_rope_layers", new[] { 1 }, "must be a 1 or a 0 for each layer" },
        { "no_rope_layers", new[] { 1, 2 }, "must be a 1 or a 0 for each layer" },
        { "no_rope_layer_interval", 2, "layer 1 rotates no queries and keys, but no [NoRope] is declared" },
        { "no_rope_layer_interval", "many", "must be a number of layers" },
        { "attn_logit_softcapping", 50.0, Undeclarable },
        { "final_logit_softcapping", 30.0, Undeclarable },
        { "use_parallel_residual", true, Undeclarable },
        { "parallel_attn", true, Undeclarable },
        { "qk_layernorm", true, Undeclarable },
        { "alibi", true, Undeclarable },
        { "is_causal", false, Undeclarable },
        { "clip_qkv", 8, Undeclarable },
        { "use_mrope", true, Undeclarable },
        { "rotary_scaling_factor", 2.0, Undeclarable },
        { "num_local_experts", 8, "no experts are declared: add [Experts(Count = 8, Active = ...)]" },
        { "n_shared_experts", 1, Undeclarable },
        { "moe_layer_layout", new[] { 1, 0 }, Undeclarable },
        { "moe_enable_secondary_experts", true, Undeclarable },
        { "rope_layout", new[] { 0, 1 }, "'rope_layout' is [0, 1], so layer 0 rotates no queries and keys" },
        { "rope_layout", new[] { 2, 1 }, "must be a 1 or a 0 for each layer" },
        { "sliding_window_layout", new[] { 0, 1 }, "there is no 'sliding_window_size'" },
        { "norm_eps", 1e-6, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "layer_norm_epsilon", 1e-6, "[RmsNorm] Epsilon = 1E-05 is declared" },
        { "rms_norm_eps", "1e-6", "[RmsNorm] Epsilon = 1E-05 is declared" },
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
        { "hidden_act_param", 0.01 },
        { "max_tokenizer_truncation", 512 },
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

        Load(At("model.safetensors"), new LoadOptions { IgnoreMetadata = [key] }).Notes
            .ShouldContain(note => note.StartsWith($"Ignored on request: '{key}'", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(HarmlessInConfig))]
    public void A_key_of_a_config_that_changes_nothing_is_no_hindrance(string key, object value) =>
        NotesOf(Config((key, value))).ShouldBeEmpty();

    [Fact]
    public void What_passes_is_computed_as_its_definition()
    {
        string path = Gguf([.. HarmlessInGguf.Select(row => ((string, object?))($"llama.{row.Data.Item1}", row.Data.Item2)).DistinctBy(pair => pair.Item1)]);
        using LanguageModel model = Open(path);
        Logits.ShouldBeThoseOf(new TinyReference(Tiny, halfSplit: false), model);
    }
}
