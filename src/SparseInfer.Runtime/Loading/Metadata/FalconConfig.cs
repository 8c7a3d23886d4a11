namespace SparseInfer.Loading;

/// <summary>
/// What a Falcon's <c>config.json</c> says in words of its own. Source: Hugging Face transformers, <c>configuration_falcon.py</c> and
/// <c>modeling_falcon.py</c>; the models' older code (RefinedWeb) has the names with <c>n_</c>.
/// </summary>
internal static class FalconConfig
{
    private const string MultiQuery = "multi_query";
    private const string Groups = "new_decoder_architecture";

    /// <summary>The names of its tensors.</summary>
    public static IReadOnlyList<(string Usual, string Own)> Names { get; } =
    [
        ("model.layers.", "transformer.h."), ("model.embed_tokens.", "transformer.word_embeddings."), ("model.norm.", "transformer.ln_f."),
        (".self_attn.query_key_value.", ".self_attention.query_key_value."), (".self_attn.o_proj.", ".self_attention.dense."),
        (".mlp.up_proj.", ".mlp.dense_h_to_4h."), (".mlp.down_proj.", ".mlp.dense_4h_to_h."),
    ];

    public static IReadOnlyDictionary<string, KeyRule> Rules { get; } = new Dictionary<string, KeyRule>
    {
        ["n_layer"] = KeyRule.States(Fact.Layers),
        ["n_head"] = KeyRule.States(Fact.Heads),
        ["n_head_kv"] = KeyRule.StatesWhere(facts => !HasOneKey(facts), Fact.KeyValueHeads),
        ["num_kv_heads"] = KeyRule.StatesWhere(facts => !HasOneKey(facts), Fact.KeyValueHeads), // else written, and not used
        ["ffn_hidden_size"] = KeyRule.States(Fact.Intermediate),
        [MultiQuery] = KeyRule.AnyFlag, // read here
        [Groups] = KeyRule.AnyFlag, // read here
        ["bias"] = KeyRule.Tensor("model.layers.0.self_attn.query_key_value.bias"),
    };

    public static IReadOnlyDictionary<string, Func<ModelFacts, double?>> Defaults { get; } = new Dictionary<string, Func<ModelFacts, double?>>
    {
        ["layer_norm_epsilon"] = _ => 1e-5,
        ["max_position_embeddings"] = _ => 2048,
        ["num_key_value_heads"] = facts => HasOneKey(facts) ? 1 : null,
        ["ffn_hidden_size"] = facts => 4 * facts.First(Fact.Hidden),
    };

    /// <summary>Whether all queries share one key and one value, as in the 7B model; and as where nothing is said.</summary>
    private static bool HasOneKey(ModelFacts facts) => !Flag(facts, Groups, absent: false)
        && Flag(facts, MultiQuery, absent: facts.File.Metadata.Describe("n_head_kv") is null);

    private static bool Flag(ModelFacts facts, string key, bool absent) => facts.File.Metadata.TryGetBoolean(key, out bool flag) ? flag : absent;
}
