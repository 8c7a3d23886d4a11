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
            Keys = [("embedding_scale", 12f), ("residual_scale", 1f), ("logit_scale", 1f), ("attention.scale", 0.35355338f)],
            Config = [("embedding_multiplier", 12.0), ("residual_multiplier", 1.0), ("logits_scaling", 1.0), ("attention_multiplier", 0.3535533905932738)],
        },
        new("minicpm")
        {
            Class = "MiniCPMForCausalLM",
            EmbeddingScale = 12,
            Keys = [("residual_scale", 1f), ("logit_scale", 1f)],
            Config = [("scale_emb", 12), ("scale_depth", 1.4142135623730951), ("dim_model_base", 32)],
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
            KeyValueHeads = TinyModel.Heads, // llama.cpp loads no others
            HalfSplit = true,
            LayerNorm = true,
            Gated = false,
            Activation = Activation.SquaredRelu,
            QueryKeyValueBiases = true,
            OutputBias = true,
            FeedForwardBiases = true,
            Config = [("attention_bias", true), ("mlp_bias", true), ("rope_parameters", new { rope_theta = 10000.0, rope_type = "default" })],
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
        new("mistral") { Class = "MistralForCausalLM", Config = [("sliding_window", 32)] },
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

    public static IEnumerable<string> OfGguf => All.Select(model => model.Architecture).Except(ConfigOnly);

    public static IEnumerable<string> OfConfig => All.Where(model => model.Class.Length > 0).Select(model => model.Architecture);

    public static TinyModel Of(string architecture) => All.Single(model => model.Architecture == architecture);
}
