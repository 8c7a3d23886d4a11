using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// <c>[ParallelAttention]</c>: no key says how many norms there are, but the architecture and a tensor do. Sources: llama.cpp,
/// <c>src/models/falcon.cpp</c>; Hugging Face's <c>modeling_falcon.py</c>.
/// </summary>
internal static class ParallelAttentionKeys
{
    private static readonly TraitFact Norms = new("ParallelAttention", "Norms", 0);

    public static TraitKeys All { get; } = new("ParallelAttention")
    {
        Facts = [Norms],
        Config = new Dictionary<string, KeyRule>
        {
            ["parallel_attn"] = KeyRule.Flag("attention and feed-forward do not run in parallel", passes: true),
            ["num_ln_in_parallel_attn"] = KeyRule.Number("its tensors have another number of norms", (facts, norms) => norms == (HasTwoNorms(facts) ? 2 : 1)),
        },
        Told = facts => HasTwoNorms(facts)
            ? [new StatedTrait(Norms, 2, $"{facts.ArchitectureText} and there is a tensor '{SecondNorm(facts)}'")]
            : [new StatedTrait(Norms, 1, facts.ArchitectureText)],
    };

    /// <summary>Whether attention and feed-forward have a norm each.</summary>
    private static bool HasTwoNorms(ModelFacts facts) => facts.File.TryGetTensor(SecondNorm(facts), out _);

    private static string SecondNorm(ModelFacts facts) => facts.File.Format == ModelFileFormat.Gguf
        ? "blk.0.attn_norm_2.weight"
        : facts.NameOf("model.layers.0.ln_attn.weight");
}
