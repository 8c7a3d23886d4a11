namespace SparseInfer.Loading;

/// <summary>
/// Architectures whose graph cannot be declared, and why: so that an error says that, instead of the tensors that are missing. Names are
/// those of llama.cpp's <c>LLM_ARCH_NAMES</c> and of Hugging Face's <c>model_type</c>.
/// </summary>
internal static class UnsupportedArchitectures
{
    private static readonly Dictionary<string, string> Reasons = Create();

    public static IEnumerable<string> Names => Reasons.Keys;

    /// <summary>Why an architecture cannot be declared; null: nothing is known of it.</summary>
    public static string? Reason(string name) => Reasons.GetValueOrDefault(name);

    /// <summary>The name whose class this is, as Hugging Face makes one of the other: <c>OPTForCausalLM</c> of <c>opt</c>.</summary>
    public static string? OfClass(string name)
    {
        int end = name.IndexOf("For", StringComparison.Ordinal);
        end = end > 0 ? end : name.IndexOf("LMHead", StringComparison.Ordinal);
        end = end > 0 ? end : name.IndexOf("Model", StringComparison.Ordinal);
        return end <= 0 ? null : Names.FirstOrDefault(known => Letters(known).Equals(Letters(name[..end]), StringComparison.OrdinalIgnoreCase));
    }

    private static string Letters(string name) => string.Concat(name.Where(char.IsLetterOrDigit));

    private static Dictionary<string, string> Create()
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        void Add(string reason, params string[] names)
        {
            foreach (string name in names)
            {
                reasons.Add(name, reason);
            }
        }

        Add("its positions are learned, not rotary", "gpt2", "starcoder", "gpt_bigcode", "gpt_neo", "xglm");
        Add("its positions are ALiBi, not rotary", "bloom", "mpt", "refact", "jais");
        Add("its larger model has ALiBi, and no key says which is which", "baichuan");
        Add("its attention and feed-forward run in parallel",
            "gptj", "phi", "phi2", "plamo", "command-r", "cohere", "cohere2");
        Add("its query, key and value are one matrix", "qwen", "phi3", "chatglm", "gptneox", "gpt_neox");
        Add("it normalizes queries and keys",
            "hunyuan-dense", "hunyuan_v1_dense", "maincoder", "chameleon", "persimmon", "muse-glimmer");
        Add("it normalizes after attention and feed-forward",
            "olmo2", "olmo3", "exaone4", "glm4", "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma4", "gemma4-assistant", "plamo3");
        Add("its norms have no weights", "olmo", "talkie", "nanochat");
        Add("its layers differ in width", "deci", "nemotron-nas", "openelm");
        Add("its activation is xIELU", "apertus");
        Add("it runs its layers in loops", "nanbeige");
        Add("its rotary pairs are neighbours in every form", "helium", "glm");
        Add("its attention is latent (MLA)",
            "deepseek2", "deepseek2-ocr", "deepseek32", "deepseek4", "deepseek_v2", "deepseek_v3", "minicpm3", "plm", "mistral4", "glm-dsa", "kimi-k3");
        Add("its feed-forward is a mixture of experts",
            "llama4", "llama4_text", "grok", "dbrx", "arctic", "qwen2moe", "qwen2_moe", "qwen3moe", "qwen3_moe", "phimoe", "olmoe",
            "deepseek", "glm4moe", "glm4_moe", "bailingmoe", "bailingmoe2", "bailingmoe3", "dots1", "dots3note", "afmoe", "laguna",
            "ernie4_5-moe", "ernie4_5_moe", "hunyuan-moe", "hy_v3", "gpt-oss", "gpt_oss", "llada-moe", "grovemoe", "minimax-01",
            "minimax-m2", "minimax_m2", "minimax-m3", "granitemoe", "exaone-moe", "cohere2moe", "mimo2", "step35", "mellum", "rnd1");
        Add("it generates by diffusion, and attention looks ahead", "dream", "llada");
        Add("it is recurrent",
            "mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7", "rwkv");
        Add("some of its layers are recurrent",
            "jamba", "falcon-h1", "falcon_h1", "nemotron_h", "nemotron_h_moe", "granitehybrid", "granitemoehybrid", "plamo2", "lfm2", "lfm2moe",
            "qwen3next", "qwen3_next", "qwen35", "qwen35moe", "qwen3_5", "kimi-linear", "zamba", "zamba2", "recurrent_gemma");
        Add("it is an encoder",
            "bert", "modern-bert", "modernbert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert",
            "gemma-embedding", "llama-embed", "t5encoder", "roberta");
        Add("it has an encoder and a decoder", "t5", "mt5", "bart", "whisper");
        Add("it lists the neurons that PowerInfer keeps on a GPU, and holds no model: name the model's own file", "generic.gpu_index");
        Add("it drafts tokens for another model", "eagle3", "dflash");
        Add("it is no language model alone",
            "clip", "wavtokenizer-dec", "cogvlm", "qwen2vl", "qwen2_vl", "qwen2_5_vl", "qwen3vl", "qwen3vlmoe", "qwen3_vl", "paddleocr", "hunyuan_vl",
            "llava", "mllama", "idefics3", "smolvlm", "qwen3tts", "pockettts", "pixtral");
        Add("it adapts itself to tasks", "graniteswitch");
        Add("some of its layers have no rotary embedding or a window", "granite_swa");
        return reasons;
    }
}
