namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Each architecture that can be declared: what its files say, and what they mean.</summary>
internal static class TinyModels
{
    public static TinyModel Llama { get; } = new("llama") { Class = "LlamaForCausalLM", Activation = Activation.Relu };

    private static readonly TinyModel[] All =
    [
        Llama,
        new("bamboo") { Class = "BambooForCausalLM", Activation = Activation.DRelu, Config = [("hidden_act", "relu")] },
        new("mistral3"),
        new("qwen2") { Class = "Qwen2ForCausalLM", HalfSplit = true, QueryKeyValueBiases = true, Config = [("use_sliding_window", false), ("sliding_window", 4)] },
        new("qwen3") { Class = "Qwen3ForCausalLM", HalfSplit = true, QueryKeyNorms = true, Tied = true, Config = [("head_dim", 8), ("attention_bias", false)] },
        new("smollm3")
        {
            Class = "SmolLM3ForCausalLM",
            Depth = 9,
            IsUnrotated = layer => layer % 4 == 3,
            Config = [("rope_theta", 10000), ("use_sliding_window", false), ("sliding_window", 4), ("no_rope_layers", new[] { 1, 1, 1, 0, 1, 1, 1, 0, 1 })],
        },
        new("arcee") { Class = "ArceeForCausalLM", Gated = false, Activation = Activation.SquaredRelu, Config = [("hidden_act", "relu2")] },
        new("xverse") { Class = "XverseForCausalLM", Keys = [("tensor_data_layout", "Meta AI original pth")] },
        new("internlm2"),
        new("exaone") { HalfSplit = true, RopeTheta = 500000, Keys = [("rope.freq_base", 500000f)] },
        new("ernie4_5") { Tied = true },
        new("pangu-embedded") { HalfSplit = true, QueryKeyValueBiases = true, OutputBias = true },
        new("granite")
        {
            Class = "GraniteForCausalLM",
            EmbeddingScale = 12,
            ResidualScale = 0.22,
            LogitScale = 1 / 8.0,
            Keys = [("embedding_scale", 12f), ("residual_scale", 0.22f), ("logit_scale", 8f), ("attention.scale", 0.35355338f)],
            Config = [("embedding_multiplier", 12.0), ("residual_multiplier", 0.22), ("logits_scaling", 8.0), ("attention_multiplier", 0.3535533905932738)],
        },
        new("minicpm")
        {
            Class = "MiniCPMForCausalLM",
            EmbeddingScale = 12,
            ResidualScale = 1.4 / Math.Sqrt(2),
            LogitScale = 24.0 / 32,
            Keys = [("logit_scale", 32 / 24f)],
            Config = [("scale_emb", 12), ("scale_depth", 1.4), ("dim_model_base", 24)],
        },
        new("gemma")
        {
            HalfSplit = true,
            Activation = Activation.Gelu,
            Tied = true,
            EmbeddingScale = Math.Sqrt(32),
            Keys = [("attention.key_length", 8u), ("attention.value_length", 8u)],
        },
        new("nemotron")
        {
            HalfSplit = true,
            LayerNorm = true,
            Gated = false,
            Activation = Activation.SquaredRelu,
            RopeDimensions = 4,
            Keys = [("rope.dimension_count", 4u)],
        },
        new("jais2")
        {
            Class = "Jais2ForCausalLM",
            KeyValues = TinyModel.Heads, // llama.cpp loads no others
            HalfSplit = true,
            LayerNorm = true,
            Gated = false,
            Activation = Activation.SquaredRelu,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Config = [("attention_bias", true), ("mlp_bias", true), ("rope_parameters", new { rope_theta = 10000.0, rope_type = "default" })],
        },
        new("bitnet")
        {
            HalfSplit = true,
            Activation = Activation.SquaredRelu,
            Tied = true,
            SubNorms = true,
            Keys = [("rope.scaling.type", "linear"), ("rope.scaling.factor", 1f)],
        },
        Falcon(keyValues: 2, norms: 1, biases: false, ("num_kv_heads", 2), ("new_decoder_architecture", true), ("num_ln_in_parallel_attn", 1)),
        new("opt")
        {
            Class = "OPTForCausalLM",
            LayerNorm = true,
            Gated = false,
            Activation = Activation.Relu,
            Tied = true,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            KeyValues = TinyModel.Heads,
            PositionOffset = 2,
            IsUnrotated = _ => true,
            Config =
            [
                ("layer_norm_eps", null), ("num_key_value_heads", null), ("intermediate_size", null), ("rms_norm_eps", null),
                ("ffn_dim", 48), ("activation_function", "relu"), ("do_layer_norm_before", true), ("word_embed_proj_dim", 32), ("enable_bias", true),
                ("layer_norm_elementwise_affine", true), ("_remove_final_layer_norm", false), ("prefix", "</s>"), ("activation_dropout", 0.0), ("init_std", 0.02),
            ],
            ConfigName = OptName,
        },
        new("orion") { Class = "OrionForCausalLM", HalfSplit = true, LayerNorm = true },
        new("stablelm")
        {
            Class = "StableLmForCausalLM",
            HalfSplit = true,
            LayerNorm = true,
            RopeDimensions = 2,
            Keys = [("rope.dimension_count", 2u), ("use_parallel_residual", true)],
            Config = [("use_parallel_residual", false), ("use_qkv_bias", false)],
        },
        new("starcoder2")
        {
            HalfSplit = true,
            LayerNorm = true,
            Gated = false,
            Activation = Activation.Gelu,
            Tied = true,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
        },
        new("codeshell") { HalfSplit = true, LayerNorm = true, Gated = false, Activation = Activation.Gelu, QueryKeyValueBiases = true, OutputBias = true, FeedForwardBiases = true },
        new("mistral") { Class = "MistralForCausalLM", Window = _ => 4, Config = [("sliding_window", 4)] },
        new("mixtral")
        {
            Class = "MixtralForCausalLM",
            Experts = 5,
            ActiveExperts = 2,
            RopeTheta = 1_000_000,
            Config = [("num_local_experts", 5), ("num_experts_per_tok", 2), ("router_aux_loss_coef", 0.02), ("hidden_act", "silu"), ("sliding_window", 4096)],
        },
        TinyExperts.SmallThinker(window: 4),
        new("sparsellama") { Class = "SparseLlamaForCausalLM", Activation = Activation.FatRelu, Config = [("hidden_act", "fatrelu"), ("hidden_act_param", 0.01)] },
        new("seed_oss")
        {
            Class = "SeedOssForCausalLM",
            QueryKeyValueBiases = true,
            RopeDimensions = 4,
            Config = [("head_dim", 8), ("attention_bias", true), ("attention_out_bias", false), ("partial_rotary_factor", 0.5)],
        },
        new("PanguEmbedded")
        {
            Class = "PanguEmbeddedForCausalLM",
            RopeTheta = 16_000_000,
            QueryKeyValueBiases = true,
            OutputBias = true,
            Config = [("bias", true)],
        },
    ];

    private static readonly string[] ConfigOnly = ["mistral", "mixtral", "sparsellama", "seed_oss", "PanguEmbedded"];

    /// <summary>Falcons: all queries with one key, as the 7B model; keys with two queries each and two norms, as the 40B model; a key to each query.</summary>
    public static IReadOnlyDictionary<string, TinyModel> Falcons { get; } = new Dictionary<string, TinyModel>
    {
        // The number of keys is saved, and not used.
        ["one key"] = Falcon(keyValues: 1, norms: 1, biases: false, ("new_decoder_architecture", false), ("num_kv_heads", TinyModel.Heads)),
        ["one key, as first published"] = Falcon(
            keyValues: 1, norms: 1, biases: false,
            ("model_type", "RefinedWebModel"), ("architectures", new[] { "RWForCausalLM" }), ("n_layer", 2), ("n_head", 4), ("num_hidden_layers", null), ("num_attention_heads", null)),
        ["groups"] = Falcon(keyValues: 2, norms: 2, biases: false, ("new_decoder_architecture", true), ("num_kv_heads", 2), ("num_ln_in_parallel_attn", 2)),
        ["a key each, with biases"] = Falcon(keyValues: TinyModel.Heads, norms: 1, biases: true, ("multi_query", false), ("new_decoder_architecture", false)),
    };

    private static TinyModel Falcon(int keyValues, int norms, bool biases, params (string Key, object? Value)[] config) => new("falcon")
    {
        Class = "FalconForCausalLM",
        HalfSplit = true,
        LayerNorm = true,
        Gated = false,
        Activation = Activation.Relu,
        KeyValues = keyValues,
        ParallelNorms = norms,
        QueryKeyValueBiases = biases,
        OutputBias = biases,
        FeedForwardBiases = biases,
        FusesHeads = true,
        Keys = [("tensor_data_layout", "jploski")],
        Config =
        [
            ("layer_norm_eps", null), ("num_key_value_heads", null), ("intermediate_size", null), ("layer_norm_epsilon", 1e-5), ("ffn_hidden_size", 48),
            ("alibi", false), ("bias", biases), ("parallel_attn", true), ("multi_query", true), ("apply_residual_connection_post_layernorm", false),
            ("hidden_dropout", 0.0), ("activation", "relu"), .. config,
        ],
        ConfigName = FalconName,
    };

    /// <summary>As Hugging Face's library names them: <c>transformer.h.0.mlp.dense_h_to_4h.weight</c>.</summary>
    private static string FalconName(string name) => name
        .Replace("model.embed_tokens", "transformer.word_embeddings", StringComparison.Ordinal)
        .Replace("model.norm", "transformer.ln_f", StringComparison.Ordinal)
        .Replace("model.layers", "transformer.h", StringComparison.Ordinal)
        .Replace("self_attn.o_proj", "self_attention.dense", StringComparison.Ordinal)
        .Replace("self_attn.qkv", "self_attention.query_key_value", StringComparison.Ordinal)
        .Replace("mlp.up_proj", "mlp.dense_h_to_4h", StringComparison.Ordinal)
        .Replace("mlp.down_proj", "mlp.dense_4h_to_h", StringComparison.Ordinal);

    /// <summary>As Hugging Face's library names them: <c>model.decoder.layers.0.fc1.weight</c>.</summary>
    private static string OptName(string name) => name switch
    {
        "model.norm.weight" or "model.norm.bias" => name.Replace("model.norm", "model.decoder.final_layer_norm", StringComparison.Ordinal),
        _ => name.Replace("model.", "model.decoder.", StringComparison.Ordinal)
            .Replace("input_layernorm", "self_attn_layer_norm", StringComparison.Ordinal)
            .Replace("post_attention_layernorm", "final_layer_norm", StringComparison.Ordinal)
            .Replace("o_proj", "out_proj", StringComparison.Ordinal)
            .Replace("mlp.up_proj", "fc1", StringComparison.Ordinal)
            .Replace("mlp.down_proj", "fc2", StringComparison.Ordinal),
    };

    public static IEnumerable<string> OfGguf => All.Select(model => model.Architecture).Except(ConfigOnly);

    public static IEnumerable<string> OfConfig => All.Where(model => model.Class.Length > 0).Select(model => model.Architecture);

    public static TinyModel Of(string architecture) => All.Single(model => model.Architecture == architecture);
}
