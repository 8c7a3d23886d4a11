using static SparseInfer.RopePairing;

namespace SparseInfer.Loading;

/// <summary>
/// The architectures whose graph is the declared one: norm, attention, residual, norm, feed-forward, residual. Checked against llama.cpp
/// (<c>llama_model_rope_type</c> and the graph of each in <c>src/models</c>) and Hugging Face transformers.
/// </summary>
internal static class Architectures
{
    private const string NoGguf = "no GGUF files of it are known";
    private const string OtherNames = "its tensors have other names in this form: convert the model to GGUF";

    private static readonly Architecture[] All =
    [
        new("llama") { ModelTypes = ["llama"], Classes = ["LlamaForCausalLM", "LLaMAForCausalLM"], ConfigDefaults = Epsilon("rms_norm_eps", 1e-6) },
        new("mistral") { WrittenAs = "llama", GgufReason = NoGguf, ModelTypes = ["mistral"], Classes = ["MistralForCausalLM"], ConfigDefaults = Epsilon("rms_norm_eps", 1e-6) },
        new("mixtral")
        {
            WrittenAs = "llama",
            GgufReason = "GGUF files of it are called llama",
            ModelTypes = ["mixtral"],
            Classes = ["MixtralForCausalLM"],
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-5,
                ["rope_theta"] = _ => 1_000_000,
                ["num_local_experts"] = _ => 8,
                ["num_experts_per_tok"] = _ => 2,
            },
        },
        new("smallthinker")
        {
            Pairing = HalfSplit,
            Activation = Activation.Relu,
            Gating = ExpertGating.Sigmoid,
            Router = RouterInput.Layer,
            ModelTypes = ["smallthinker"],
            Classes = ["SmallThinkerForCausalLM", "SmallthinkerForCausalLM"],
            WindowPeriod = 4,
            GgufRules = new Dictionary<string, KeyRule>
            {
                ["attention.sliding_window_pattern"] = KeyRule.Number("layers without a window are not every fourth", (_, period) => period == 4),
            },
            ConfigNames =
            [
                (".block_sparse_moe.gate.", ".block_sparse_moe.primary_router."),
                (".w1.", ".gate."),
                (".w3.", ".up."),
                (".w2.", ".down."),
            ],
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                ["rope_theta"] = _ => 1_000_000,
            },
        },
        new("mistral3") { ConfigReason = "its language model is one part of several: convert the model to GGUF", ModelTypes = ["mistral3"] },
        new("sparsellama") { WrittenAs = "llama", GgufReason = NoGguf, ModelTypes = ["sparsellama"], Classes = ["SparseLlamaForCausalLM"], ConfigDefaults = Epsilon("rms_norm_eps", 1e-6) },
        new("bamboo") { Activation = Activation.DRelu, ModelTypes = ["bamboo"], Classes = ["BambooForCausalLM"] },
        new("qwen2")
        {
            Pairing = HalfSplit,
            ModelTypes = ["qwen2"],
            Classes = ["Qwen2ForCausalLM"],
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                [ConfigKeys.UseSlidingWindow] = _ => 0,
                [ConfigKeys.MaxWindowLayers] = _ => 28,
            },
        },
        new("qwen3")
        {
            Pairing = HalfSplit,
            ModelTypes = ["qwen3"],
            Classes = ["Qwen3ForCausalLM"],
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                ["head_dim"] = _ => 128,
                [ConfigKeys.UseSlidingWindow] = _ => 0,
                [ConfigKeys.MaxWindowLayers] = _ => 28,
            },
        },
        new("smollm3")
        {
            ModelTypes = ["smollm3"],
            Classes = ["SmolLM3ForCausalLM"],
            UnrotatedPeriod = 4,
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                ["rope_theta"] = _ => 2_000_000,
                [ConfigKeys.UseSlidingWindow] = _ => 0,
            },
        },
        new("arcee") { Activation = Activation.SquaredRelu, ModelTypes = ["arcee"], Classes = ["ArceeForCausalLM"], ConfigDefaults = Epsilon("rms_norm_eps", 1e-5) },
        new("xverse") { ModelTypes = ["xverse"], Classes = ["XverseForCausalLM"] },
        new("internlm2") { ConfigReason = OtherNames, ModelTypes = ["internlm2"], Classes = ["InternLM2ForCausalLM"] },
        new("exaone") { Pairing = HalfSplit, ConfigReason = OtherNames, ModelTypes = ["exaone"], Classes = ["ExaoneForCausalLM"] },
        new("ernie4_5")
        {
            ConfigReason = "its rotary pairs are neighbours in this form: convert the model to GGUF",
            ModelTypes = ["ernie4_5"],
            Classes = ["Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM"],
        },
        new("pangu-embedded")
        {
            Pairing = HalfSplit,
            ModelTypes = ["PanguEmbedded"],
            Classes = ["PanguEmbeddedForCausalLM"],
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-5,
                ["rope_theta"] = _ => 16_000_000,
            },
        },
        new("seed_oss")
        {
            Pairing = HalfSplit,
            WrittenAs = "qwen2",
            GgufReason = "its feed-forward norm has another tensor name in this form",
            ModelTypes = ["seed_oss"],
            Classes = ["SeedOssForCausalLM"],
            ConfigDefaults = Epsilon("rms_norm_eps", 1e-6),
        },
        new("granite")
        {
            ModelTypes = ["granite"],
            Classes = ["GraniteForCausalLM"],
            Traits = [ScalesKeys.All],
            GgufRules = new Dictionary<string, KeyRule> { ["rope.scaling.finetuned"] = KeyRule.Flag("there is no rotary embedding", passes: true) },
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                ["attention_multiplier"] = _ => 1,
            },
        },
        new("minicpm")
        {
            ModelTypes = ["minicpm"],
            Classes = ["MiniCPMForCausalLM"],
            Traits = [ScalesKeys.All],

            // Files from before there were these keys are of models whose dim_model_base is 256.
            GgufDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["embedding_scale"] = _ => 12,
                ["residual_scale"] = facts => 1.4 / Math.Sqrt(facts.First(Fact.Layers) ?? double.NaN),
                ["logit_scale"] = facts => (facts.First(Fact.Hidden) ?? double.NaN) / 256,
            },
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["rms_norm_eps"] = _ => 1e-6,
                ["scale_depth"] = _ => 1,
                ["dim_model_base"] = _ => 1,
            },
        },
        new("gemma")
        {
            Pairing = HalfSplit,
            ConfigReason = "its norms add 1 to their weights in this form: convert the model to GGUF",
            ModelTypes = ["gemma"],
            Classes = ["GemmaForCausalLM"],
            GgufDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["embedding_scale"] = facts => facts.First(Fact.Hidden) is { } hidden ? Math.Sqrt(hidden) : null,
            },
        },
        new("nemotron")
        {
            LayerNorm = true,
            Pairing = HalfSplit,
            Activation = Activation.SquaredRelu,
            ConfigReason = "its norms are LayerNorm1p, which adds 1 to their weights, in this form: convert the model to GGUF",
            ModelTypes = ["nemotron"],
            Classes = ["NemotronForCausalLM"],
        },
        new("jais2")
        {
            LayerNorm = true,
            Pairing = HalfSplit,
            Activation = Activation.SquaredRelu,
            ModelTypes = ["jais2"],
            Classes = ["Jais2ForCausalLM"],
            ConfigDefaults = Epsilon("layer_norm_eps", 1e-5),
        },
        new("bitnet")
        {
            Pairing = HalfSplit,
            ConfigReason = "its weights become ternary when it runs, in this form: convert the model to GGUF, which writes them so",
            ModelTypes = ["bitnet"],
            Classes = ["BitNetForCausalLM", "BitnetForCausalLM"],
            Traits = [SubNormsKeys.All],
        },
        new("falcon")
        {
            LayerNorm = true,
            Pairing = HalfSplit,
            FusesHeadsInGroups = true,
            ModelTypes = ["falcon", "RefinedWeb", "RefinedWebModel"],
            Classes = ["FalconForCausalLM", "RWForCausalLM"],
            Traits = [ParallelAttentionKeys.All],
            ConfigNames = FalconConfig.Names,
            ConfigRules = FalconConfig.Rules,
            ConfigDefaults = FalconConfig.Defaults,

            // Query, key and value apart, as llama.cpp's converter writes them (jploski's layout); older files have them as Hugging Face does.
            GgufRules = new Dictionary<string, KeyRule>
            {
                ["tensor_data_layout"] = KeyRule.Words(": heads are ordered in another way, so convert the model again", "jploski"),
            },
        },
        new("opt")
        {
            LayerNorm = true,
            IsUnrotated = true,
            PositionOffset = 2,
            Activation = Activation.Relu,
            ModelTypes = ["opt"],
            Classes = ["OPTForCausalLM"],
            ConfigNames =
            [
                ("model.", "model.decoder."),
                ("decoder.norm.", "decoder.final_layer_norm."),
                (".input_layernorm.", ".self_attn_layer_norm."),
                (".post_attention_layernorm.", ".final_layer_norm."),
                (".self_attn.o_proj.", ".self_attn.out_proj."),
                (".mlp.up_proj.", ".fc1."),
                (".mlp.down_proj.", ".fc2."),
            ],
            GgufDefaults = Epsilon("attention.layer_norm_epsilon", 1e-5), // PowerInfer's files do not say it
            ConfigDefaults = Epsilon("layer_norm_eps", 1e-5),
        },
        new("orion") { LayerNorm = true, Pairing = HalfSplit, ModelTypes = ["orion"], Classes = ["OrionForCausalLM"] },
        new("stablelm")
        {
            LayerNorm = true,
            Pairing = HalfSplit,
            ModelTypes = ["stablelm", "stablelm_epoch"],
            Classes = ["StableLmForCausalLM", "StableLMEpochForCausalLM"],

            // The converter writes true where the configuration says nothing; a second norm in each layer, which is needed here, decides.
            GgufRules = new Dictionary<string, KeyRule> { ["use_parallel_residual"] = KeyRule.AnyFlag },
            ConfigDefaults = new Dictionary<string, Func<ModelFacts, double?>>
            {
                ["layer_norm_eps"] = _ => 1e-5,
                ["partial_rotary_factor"] = facts => facts.First(Fact.RopeFraction) is null ? 0.25 : null,
            },
        },
        new("starcoder2")
        {
            LayerNorm = true,
            Pairing = HalfSplit,
            ConfigReason = OtherNames,
            ModelTypes = ["starcoder2"],
            Classes = ["Starcoder2ForCausalLM"],
        },
        new("codeshell") { LayerNorm = true, Pairing = HalfSplit, ConfigReason = OtherNames, ModelTypes = ["codeshell"], Classes = ["CodeShellForCausalLM"] },
    ];

    /// <summary>Everything by which an architecture can be named.</summary>
    public static IEnumerable<string> Names => All.SelectMany(architecture => architecture.ModelTypes.Prepend(architecture.Name)).Distinct();

    /// <summary>Names of those that files of a kind can have.</summary>
    public static IEnumerable<string> SupportedNames(bool gguf) => All.Where(architecture => architecture.Reason(gguf) is null).Select(architecture => architecture.Name);

    /// <summary>By what a GGUF file or a <c>config.json</c> calls it.</summary>
    public static Architecture? Find(string name) =>
        Array.Find(All, architecture => architecture.Name == name || architecture.ModelTypes.Contains(name));

    /// <summary>By the class that Hugging Face's library runs it with; two architectures may share one.</summary>
    public static Architecture? FindClass(string name) => Array.Find(All, architecture => architecture.Classes.Contains(name));

    private static Dictionary<string, Func<ModelFacts, double?>> Epsilon(string key, double value) => new() { [key] = _ => value };
}
