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
        new("falcon") { HalfSplit = true, LayerNorm = true, Gated = false, ParallelNorms = 1, FusesHeads = true, Keys = [("tensor_data_layout", "jploski")] },
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

    private static readonly string[] ConfigOnly = ["mistral", "sparsellama", "seed_oss", "PanguEmbedded"];

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
