namespace SparseInfer.Loading;

/// <summary>
/// The keys of an architecture's namespace in a GGUF file, without its name. Names and meanings: llama.cpp, <c>src/llama-arch.cpp</c> and
/// <c>llama_model_base::load_hparams</c>.
/// </summary>
internal static class GgufKeys
{
    public const string RopeScalingType = "rope.scaling.type";

    public const string PoolingType = "pooling_type";

    /// <summary>This project's: GGUF has none that says the activation of a decoder.</summary>
    public const string Activation = "feed_forward.activation";

    /// <summary>Namespaces that describe the file, its weights or its tokenizer, and no graph.</summary>
    public static readonly IReadOnlyList<string> Namespaces = ["general", "tokenizer", "split", "quantize", "imatrix", "sparseinfer", "powerinfer"];

    public static IReadOnlyDictionary<string, KeyRule> Rules { get; } = new Dictionary<string, KeyRule>(StringComparer.Ordinal)
    {
        ["block_count"] = KeyRule.States(Fact.Layers),
        ["embedding_length"] = KeyRule.States(Fact.Hidden),
        ["embedding_length_out"] = KeyRule.States(Fact.Hidden),
        ["feed_forward_length"] = KeyRule.States(Fact.Intermediate),
        ["vocab_size"] = KeyRule.States(Fact.Vocabulary),
        ["context_length"] = KeyRule.States(Fact.Context),
        ["attention.head_count"] = KeyRule.States(Fact.Heads),
        ["attention.head_count_kv"] = KeyRule.States(Fact.KeyValueHeads),
        ["attention.key_length"] = KeyRule.States(Fact.HeadDimension),
        ["attention.value_length"] = KeyRule.States(Fact.HeadDimension),
        ["attention.layer_norm_rms_epsilon"] = KeyRule.States(Fact.NormEpsilon),
        ["attention.layer_norm_epsilon"] = KeyRule.States(Fact.NormEpsilon),
        ["rope.freq_base"] = KeyRule.States(Fact.RopeTheta),
        ["rope.freq_base_swa"] = KeyRule.States(Fact.RopeTheta),
        ["rope.dimension_count"] = KeyRule.States(Fact.RopeDimensions),
        ["rope.dimension_count_swa"] = KeyRule.States(Fact.RopeDimensions),
        ["rope.scaling.factor"] = KeyRule.States(Fact.RopeScaling),
        ["rope.scale_linear"] = KeyRule.States(Fact.RopeScaling),
        ["embedding_scale"] = KeyRule.States(Fact.EmbeddingScale),
        ["attention.sliding_window"] = KeyRule.States(Fact.Window),
        ["feed_forward.activation_threshold"] = KeyRule.States(Fact.Threshold), // this project's

        [RopeScalingType] = KeyRule.Words(
            ", but only linear scaling, [Attention] RopeScaling, YaRN, [YarnScaling], and Llama 3's, [Llama3Scaling], can be declared", "none", "linear", "yarn", "llama3"),
        ["rope.scaling.attn_factor"] = KeyRule.One("rotated queries and keys are scaled"),
        ["rope.scaling.alpha"] = KeyRule.Zero("rotary frequencies are stretched"),
        ["rope.dimension_sections"] = KeyRule.Every("positions have several parts", number => number == 0),
        ["attention.scale"] = KeyRule.Number("attention scores are scaled by it", IsUsualAttentionScale),
        ["attention.output_scale"] = KeyRule.Number("attention's output is scaled", (_, scale) => scale is 0 or 1),
        ["attention.value_scale"] = KeyRule.Number("attention's values are scaled", (_, scale) => scale is 0 or 1),
        ["attention.temperature_scale"] = KeyRule.Zero("attention scores are scaled by position"),
        ["attention.temperature_length"] = KeyRule.Harmless, // of temperature_scale
        ["attention.causal"] = KeyRule.Flag("attention looks ahead", passes: true),
        ["attention.clamp_kqv"] = KeyRule.Zero("queries, keys and values are clamped"),
        ["attention.max_alibi_bias"] = KeyRule.Zero("positions are ALiBi"),
        ["attention.sliding_window_pattern"] = KeyRule.Harmless, // of sliding_window
        ["attn_logit_softcapping"] = KeyRule.Zero("attention scores are capped"),
        ["final_logit_softcapping"] = KeyRule.Zero("logits are capped"),
        ["router_logit_softcapping"] = KeyRule.Zero("router logits are capped"),
        ["residual_scale"] = KeyRule.One("what layers add is scaled"),
        ["logit_scale"] = KeyRule.One("logits are scaled"),
        ["use_parallel_residual"] = KeyRule.Flag("attention and feed-forward run in parallel", passes: false),
        ["swin_norm"] = KeyRule.Flag("norms come after attention and feed-forward", passes: false),
        ["expert_count"] = KeyRule.States(Fact.Experts),
        ["expert_used_count"] = KeyRule.States(Fact.ActiveExperts),
        ["expert_feed_forward_length"] = KeyRule.States(Fact.Intermediate),
        ["expert_gating_func"] = KeyRule.States(Fact.ExpertGating),
        ["expert_shared_count"] = KeyRule.Zero("every token has some experts"),
        ["expert_shared_feed_forward_length"] = KeyRule.Zero("every token has some experts"),
        ["expert_group_count"] = KeyRule.Zero("experts are chosen in groups"),
        ["expert_group_used_count"] = KeyRule.Zero("experts are chosen in groups"),
        ["expert_weights_scale"] = KeyRule.Number("experts' weights are scaled", (_, scale) => scale is 0 or 1),
        ["expert_weights_norm"] = KeyRule.Flag("experts' weights do not sum to 1", passes: true),
        ["interleave_moe_layer_step"] = KeyRule.Number("some layers have no experts", (_, step) => step is 0 or 1),
        ["moe_every_n_layers"] = KeyRule.Number("some layers have no experts", (_, step) => step is 0 or 1),
        ["nextn_predict_layers"] = KeyRule.Zero("some layers predict later tokens"),
        ["leading_dense_block_count"] = KeyRule.Number("some layers have no experts", (facts, layers) => layers == 0 || facts.First(Fact.Experts) is null or 0),
        [PoolingType] = KeyRule.Number("the output is a score, or pooled in another way than is known", (_, pooling) => pooling is >= 0 and <= 3), // read by EmbeddingReader

        // Of YaRN and Llama 3's scaling, read by ScalingReader where the scaling is that; or of training.
        ["rope.scaling.original_context_length"] = KeyRule.Harmless,
        ["rope.scaling.finetuned"] = KeyRule.Harmless,
        ["rope.scaling.yarn_log_multiplier"] = KeyRule.Harmless,
        ["rope.scaling.yarn_ext_factor"] = KeyRule.Harmless,
        ["rope.scaling.yarn_attn_factor"] = KeyRule.Harmless,
        ["rope.scaling.yarn_beta_fast"] = KeyRule.Harmless,
        ["rope.scaling.yarn_beta_slow"] = KeyRule.Harmless,
        ["rope.scaling.low_freq_factor"] = KeyRule.Harmless,
        ["rope.scaling.high_freq_factor"] = KeyRule.Harmless,
        ["tensor_data_layout"] = KeyRule.Words(": queries and keys are ordered in another way, which cannot be declared", "Meta AI original pth"),

        // Read beside the rules: the declared activation is used.
        [Activation] = KeyRule.AnyName,
        ["hidden_activation"] = KeyRule.AnyName,
    };

    /// <summary>Keys that name the activation.</summary>
    public static readonly IReadOnlyList<string> Activations = [Activation, "hidden_activation"];

    internal static bool IsUsualAttentionScale(ModelFacts facts, double scale) =>
        scale == 0 || (facts.First(Fact.HeadDimension) is { } size && KeyRule.Near(scale, 1 / Math.Sqrt(size)));
}
