namespace SparseInfer.Loading;

/// <summary>
/// The keys of a <c>config.json</c>. Names and meanings: Hugging Face transformers, the configuration classes of the models in
/// <see cref="Architectures"/> and their base class.
/// </summary>
internal static class ConfigKeys
{
    public const string UseSlidingWindow = "use_sliding_window";

    public const string TiedEmbeddings = "tie_word_embeddings";

    /// <summary>Whether experts' logits become weights by softmax; else by sigmoid.</summary>
    public const string RouterSoftmax = "moe_primary_router_apply_softmax";

    public const string LayerTypes = "layer_types";

    /// <summary>Of layers before it, attention does not slide.</summary>
    public const string MaxWindowLayers = "max_window_layers";

    /// <summary>1 for layers that rotate, 0 for others.</summary>
    public const string NoRopeLayers = "no_rope_layers";

    /// <summary>The same, as SmallThinker calls it.</summary>
    public const string RopeLayout = "rope_layout";

    /// <summary>1 for layers whose attention slides over <see cref="WindowSize"/>, 0 for others.</summary>
    public const string WindowLayout = "sliding_window_layout";

    /// <summary>Of the layers that <see cref="WindowLayout"/> names.</summary>
    public const string WindowSize = "sliding_window_size";

    /// <summary>After how many layers one comes that does not rotate.</summary>
    public const string NoRopeInterval = "no_rope_layer_interval";

    /// <summary>Keys that name the activation.</summary>
    public static readonly IReadOnlyList<string> Activations = ["hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "activation"];

    /// <summary>Hugging Face's configurations have had three places for the kind of rotary scaling.</summary>
    public static readonly IReadOnlyList<string> RopeScalingTypes = ["rope_scaling.rope_type", "rope_scaling.type", "rope_parameters.rope_type", "rope_parameters.type"];

    /// <summary>Objects whose content changes no result.</summary>
    public static readonly IReadOnlyList<string> HarmlessObjects =
        ["auto_map", "id2label", "label2id", "task_specific_params", "transformers.js_config", "generation_config"];

    /// <summary>Objects whose keys have rules of their own.</summary>
    public static readonly IReadOnlyList<string> OpenObjects = ["rope_scaling", "rope_parameters"];

    private const string Experts = "the feed-forward is a mixture of experts";

    public static IReadOnlyDictionary<string, KeyRule> Rules { get; } = Create();

    private static Dictionary<string, KeyRule> Create()
    {
        var rules = new Dictionary<string, KeyRule>(StringComparer.Ordinal)
        {
            ["num_hidden_layers"] = KeyRule.States(Fact.Layers),
            ["hidden_size"] = KeyRule.States(Fact.Hidden),
            ["intermediate_size"] = KeyRule.States(Fact.Intermediate),
            ["ffn_dim"] = KeyRule.States(Fact.Intermediate),
            ["vocab_size"] = KeyRule.States(Fact.Vocabulary),
            ["max_position_embeddings"] = KeyRule.States(Fact.Context),
            ["num_attention_heads"] = KeyRule.States(Fact.Heads),
            ["num_key_value_heads"] = KeyRule.States(Fact.KeyValueHeads),
            ["head_dim"] = KeyRule.States(Fact.HeadDimension),
            ["v_head_dim"] = KeyRule.States(Fact.HeadDimension),
            ["rope_theta"] = KeyRule.States(Fact.RopeTheta),
            ["rotary_emb_base"] = KeyRule.States(Fact.RopeTheta),
            ["rope_parameters.rope_theta"] = KeyRule.States(Fact.RopeTheta),
            ["rope_scaling.rope_theta"] = KeyRule.States(Fact.RopeTheta),
            ["rope_scaling.factor"] = KeyRule.States(Fact.RopeScaling),
            ["rope_parameters.factor"] = KeyRule.States(Fact.RopeScaling),
            ["rotary_dim"] = KeyRule.States(Fact.RopeDimensions),
            ["sliding_window"] = KeyRule.States(Fact.Window),
            ["hidden_act_param"] = KeyRule.States(Fact.Threshold),
            ["scale_emb"] = KeyRule.States(Fact.EmbeddingScale),
            ["embedding_multiplier"] = KeyRule.States(Fact.EmbeddingScale),
            ["embedding_scale"] = KeyRule.States(Fact.EmbeddingScale),

            ["residual_multiplier"] = KeyRule.One("what layers add is scaled"),
            ["residual_scale"] = KeyRule.One("what layers add is scaled"),
            ["logits_scaling"] = KeyRule.One("logits are scaled"),
            ["logit_scale"] = KeyRule.One("logits are scaled"),
            ["rotary_scaling_factor"] = KeyRule.One("positions are scaled by it"),
            ["use_mrope"] = KeyRule.Flag("positions have several parts", passes: false),
            ["attention_multiplier"] = KeyRule.Number("attention scores are scaled by it", GgufKeys.IsUsualAttentionScale),
            ["attention_scale"] = KeyRule.Number("attention scores are scaled by it", GgufKeys.IsUsualAttentionScale),
            ["query_pre_attn_scalar"] = KeyRule.Number("attention scores are scaled by it", (facts, size) => size == facts.First(Fact.HeadDimension)),
            ["scale_depth"] = KeyRule.Number(
                "what layers add is scaled by it / √layers", (facts, depth) => facts.First(Fact.Layers) is { } layers && KeyRule.Near(depth, Math.Sqrt(layers))),
            ["dim_model_base"] = KeyRule.Number("logits are scaled by it / the hidden size", (facts, size) => size == facts.First(Fact.Hidden)),
            ["attn_logit_softcapping"] = KeyRule.Zero("attention scores are capped"),
            ["final_logit_softcapping"] = KeyRule.Zero("logits are capped"),
            ["logit_softcap"] = KeyRule.Zero("logits are capped"),
            ["clip_qkv"] = KeyRule.Zero("queries, keys and values are clamped"),
            ["attention_chunk_size"] = KeyRule.Zero("attention is cut into chunks"),
            [NoRopeInterval] = KeyRule.Size, // read beside the rules
            [NoRopeLayers] = KeyRule.Flags, // read beside the rules
            [RopeLayout] = KeyRule.Flags, // read beside the rules
            [WindowLayout] = KeyRule.Flags, // read beside the rules: decides over sliding_window_size
            [WindowSize] = KeyRule.States(Fact.Window),
            [LayerTypes] = KeyRule.Words(": layers differ in kind, which cannot be declared", "full_attention", "sliding_attention"),
            [RouterSoftmax] = KeyRule.AnyFlag, // compared beside the rules
            ["moe_ffn_hidden_size"] = KeyRule.States(Fact.Intermediate),
            ["moe_layer_layout"] = KeyRule.Every("layers with a 0 have no experts", number => number == 1),
            ["moe_enable_early_router"] = KeyRule.Flag("the router reads what the experts read", passes: true),
            ["moe_enable_secondary_experts"] = KeyRule.Flag("experts have experts", passes: false),
            ["is_causal"] = KeyRule.Flag("attention looks ahead", passes: true),
            ["num_nextn_predict_layers"] = KeyRule.Zero("some layers predict later tokens"),
            [UseSlidingWindow] = KeyRule.AnyFlag, // read beside the rules: decides over sliding_window
            [MaxWindowLayers] = KeyRule.Size, // read beside the rules, where the architecture does
            ["sliding_window_pattern"] = KeyRule.Harmless, // of sliding_window
            [TiedEmbeddings] = KeyRule.AnyFlag, // compared beside the rules

            ["do_layer_norm_before"] = KeyRule.Flag("norms come after attention and feed-forward", passes: true),
            ["_remove_final_layer_norm"] = KeyRule.Flag("there is no norm before the output head", passes: false),
            ["layer_norm_elementwise_affine"] = KeyRule.Flag("norms have no weights", passes: true),
            ["word_embed_proj_dim"] = KeyRule.Number("embeddings have another width than layers", (facts, size) => size == facts.First(Fact.Hidden)),
            ["enable_bias"] = KeyRule.Tensor("model.layers.0.self_attn.q_proj.bias"),
            ["attention_bias"] = KeyRule.Tensor("model.layers.0.self_attn.q_proj.bias"),
            ["qkv_bias"] = KeyRule.Tensor("model.layers.0.self_attn.q_proj.bias"),
            ["use_qkv_bias"] = KeyRule.Tensor("model.layers.0.self_attn.q_proj.bias"),
            ["bias"] = KeyRule.Tensor("model.layers.0.self_attn.q_proj.bias"),
            ["attention_out_bias"] = KeyRule.Tensor("model.layers.0.self_attn.o_proj.bias"),
            ["mlp_bias"] = KeyRule.Tensor("model.layers.0.mlp.down_proj.bias"),
        };

        Add(rules, KeyRule.States(Fact.NormEpsilon),
            "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon", "norm_eps", "norm_epsilon");
        Add(rules, KeyRule.States(Fact.RopeFraction),
            "partial_rotary_factor", "rotary_pct", "rope_pct", "rope_percent", "rope_parameters.partial_rotary_factor", "rope_scaling.partial_rotary_factor");
        foreach (string key in RopeScalingTypes)
        {
            rules[key] = KeyRule.Words(
                ", but only linear scaling, [Attention] RopeScaling, YaRN, [YarnScaling], and Llama 3's, [Llama3Scaling], can be declared",
                "default", "none", "linear", "yarn", "llama3");
        }

        Add(rules, KeyRule.Zero(Experts),
            "num_experts", "n_routed_experts", "n_shared_experts", "moe_num_experts", "moe_intermediate_size", "moe_shared_primary_experts", "moe_num_secondary_experts");
        Add(rules, KeyRule.States(Fact.Experts), "num_local_experts", "moe_num_primary_experts");
        Add(rules, KeyRule.States(Fact.ActiveExperts), "num_experts_per_tok", "moe_num_active_primary_experts");
        Add(rules, KeyRule.Flag("attention and feed-forward run in parallel", passes: false),
            "use_parallel_residual", "parallel_attn", "parallel_residual", "use_parallel_attention");
        Add(rules, KeyRule.Flag("queries and keys are normalized", passes: false), "qk_layernorm", "use_qk_norm", "qk_norm", "use_qk_layernorm");
        Add(rules, KeyRule.Flag("positions are ALiBi", passes: false), "alibi", "use_alibi");
        Add(rules, KeyRule.Flag("rotary pairs are neighbours", passes: false), "rope_interleave", "rope_interleaved", "rotary_interleaved", "rotary_emb_interleaved");
        Add(rules, KeyRule.Flag("attention looks ahead", passes: false), "use_bidirectional_attention", "bidirectional");
        Add(rules, KeyRule.Flag("there is an encoder", passes: false), "is_encoder_decoder", "add_cross_attention", "tie_encoder_decoder");
        Add(rules, KeyRule.Flag("norms come after attention and feed-forward", passes: false), "swin_norm", "apply_residual_connection_post_layernorm");
        Add(rules, KeyRule.Harmless, HarmlessKeys.All);
        Add(rules, KeyRule.AnyName, [.. Activations]);
        return rules;
    }

    private static void Add(Dictionary<string, KeyRule> rules, KeyRule rule, params string[] keys) => Array.ForEach(keys, key => rules.Add(key, rule));
}
