using System.Globalization;
using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>What a GGUF file calls the tensors of a Hugging Face folder.</summary>
internal static class GgufNames
{
    private static readonly (string HuggingFace, string Gguf)[] OfModel =
    [
        ("model.embed_tokens", "token_embd"), ("model.embed_positions", "position_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
    ];

    private static readonly (string HuggingFace, string Gguf)[] OfLayer =
    [
        ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("ln_attn", "attn_norm_2"), ("ln_mlp", "attn_norm"), // of parallel attention
        ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    private static readonly (string HuggingFace, string Gguf)[] Fused = [("self_attn.query_key_value", "attn_qkv")];

    private static readonly string[] Kinds = [".weight", ".bias"];

    /// <summary>By what the folder calls them, for as many layers as it says.</summary>
    public static IReadOnlyDictionary<string, string> Of(ModelFacts facts)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        Add("", "", OfModel);
        for (int layer = 0; layer < facts.CountLayers(); layer++)
        {
            string number = layer.ToString(CultureInfo.InvariantCulture);
            Add($"model.layers.{number}.", $"blk.{number}.", OfLayer);
            if (facts.Architecture!.FusesHeadsInGroups)
            {
                Add($"model.layers.{number}.", $"blk.{number}.", Fused);
            }
        }

        return names;

        void Add(string ofFolder, string ofFile, (string HuggingFace, string Gguf)[] tensors)
        {
            foreach ((string huggingFace, string gguf) in tensors)
            {
                foreach (string kind in Kinds)
                {
                    names[facts.NameOf(ofFolder + huggingFace + kind)] = ofFile + gguf + kind;
                }
            }
        }
    }
}
