using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Emit;

/// <summary>One of a layer's tensors: the field that generated programs keep it in, and what files call it.</summary>
internal sealed class LayerTensor
{
    public static readonly LayerTensor AttentionNorm = new("AttentionNorm", "attn_norm", "input_layernorm");

    public static readonly LayerTensor Query = new("Query", "attn_q", "self_attn.q_proj");

    public static readonly LayerTensor Key = new("Key", "attn_k", "self_attn.k_proj");

    public static readonly LayerTensor Value = new("Value", "attn_v", "self_attn.v_proj");

    public static readonly LayerTensor Output = new("Output", "attn_output", "self_attn.o_proj");

    public static readonly LayerTensor FeedForwardNorm = new("FeedForwardNorm", "ffn_norm", "post_attention_layernorm");

    public static readonly LayerTensor Down = new("Down", "ffn_down", "mlp.down_proj");

    private static readonly LayerTensor Gate = new("Gate", "ffn_gate", "mlp.gate_proj");

    private static readonly LayerTensor Up = new("Up", "ffn_up", "mlp.up_proj");

    private readonly string _gguf;
    private readonly string _huggingFace;

    private LayerTensor(string field, string gguf, string huggingFace)
    {
        Field = field;
        _gguf = gguf;
        _huggingFace = huggingFace;
    }

    public string Field { get; }

    /// <summary>The matrices whose rows are dotted with a feed-forward's input.</summary>
    public static LayerTensor[] OfInput(FeedForwardSpec spec) => spec.Gated ? [Gate, Up] : [Up];

    /// <summary>All matrices of a feed-forward: those above, and the one that leads out of it.</summary>
    public static LayerTensor[] OfFeedForward(FeedForwardSpec spec) => [.. OfInput(spec), Down];

    /// <summary>The name in the layer whose number is in <c>layer</c>, as C# that makes a <c>TensorName</c>.</summary>
    public string Name(string part = "weight") =>
        $"new($\"blk.{{layer}}.{_gguf}.{part}\", $\"model.layers.{{layer}}.{_huggingFace}.{part}\")";
}
