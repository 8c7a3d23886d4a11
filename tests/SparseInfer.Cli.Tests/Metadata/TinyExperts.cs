namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>Models of experts: any number of them, and each way to choose and to weigh.</summary>
internal static class TinyExperts
{
    /// <summary>What converters make of Mixtral.</summary>
    public static TinyModel Llama { get; } = Mixtral(4, 2);

    private static readonly (string Name, TinyModel Tiny)[] InGguf =
    [
        ("2 of 4 experts", Llama),
        ("1 of 8 experts", Mixtral(8, 1)),
        ("all of 3 experts", Mixtral(3, 3)),
        ("6 of 64 experts", Mixtral(64, 6)),
        ("no windows", SmallThinker(window: 0)),
        ("softmax of the layer's input", SmallThinker(window: 0, softmax: true)),
    ];

    public static IEnumerable<string> Names => InGguf.Select(pair => pair.Name);

    public static TinyModel Of(string name) => InGguf.Single(pair => pair.Name == name).Tiny;

    /// <summary>SmallThinker: of the 21B's form, every fourth layer looks back to the first token and does not rotate; of the 4B's, all are alike.</summary>
    /// <param name="window">How far the other layers look back; 0: to the first token, and all rotate.</param>
    /// <param name="softmax">Whether experts' weights are the softmax of their logits.</param>
    public static TinyModel SmallThinker(int window, bool softmax = false)
    {
        int layers = window > 0 ? 8 : TinyModel.Layers;
        bool IsGlobal(int layer) => window > 0 && layer % 4 == 0;
        int[] layout = [.. Enumerable.Range(0, layers).Select(layer => IsGlobal(layer) ? 0 : 1)];
        return new TinyModel("smallthinker")
        {
            Class = "SmallThinkerForCausalLM",
            Depth = layers,
            HalfSplit = true,
            Activation = Activation.Relu,
            Tied = window == 0,
            Experts = 6,
            ActiveExperts = 3,
            SigmoidGating = !softmax,
            EarlyRouter = true,
            Window = layer => IsGlobal(layer) ? 0 : window,
            IsUnrotated = IsGlobal,
            RopeTheta = 1_000_000,
            ConfigName = SmallThinkerName,
            Keys =
            [
                ("rope.freq_base", 1_000_000f), ("expert_feed_forward_length", 48u), ("expert_gating_func", softmax ? 1u : 2u),
                .. window > 0 ? [("attention.sliding_window", (uint)window)] : Array.Empty<(string, object)>(),
            ],
            Config =
            [
                ("intermediate_size", null), ("moe_ffn_hidden_size", 48), ("moe_num_primary_experts", 6), ("moe_num_active_primary_experts", 3),
                ("moe_primary_router_apply_softmax", softmax), ("moe_layer_layout", Enumerable.Repeat(1, layers)), ("moe_enable_early_router", true),
                ("rope_layout", layout), ("sliding_window_layout", window > 0 ? layout : new int[layers]),
                ("sliding_window_size", window > 0 ? window : 4096), ("rope_theta", 1_000_000.0),
            ],
        };
    }

    private static TinyModel Mixtral(int experts, int active) => new("llama")
    {
        Class = "LlamaForCausalLM",
        Activation = Activation.DRelu,
        Experts = experts,
        ActiveExperts = active,
    };

    /// <summary>Otherwise than Mixtral's: <c>model.layers.0.block_sparse_moe.experts.0.gate.weight</c>.</summary>
    private static string SmallThinkerName(string name) => name
        .Replace("block_sparse_moe.gate", "block_sparse_moe.primary_router", StringComparison.Ordinal)
        .Replace(".w1.", ".gate.", StringComparison.Ordinal)
        .Replace(".w2.", ".down.", StringComparison.Ordinal)
        .Replace(".w3.", ".up.", StringComparison.Ordinal);
}
