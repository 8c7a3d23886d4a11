namespace SparseInfer.Loading;

/// <summary>
/// <c>[ParallelAttention]</c>: no key of a GGUF file says it, but the architecture and a tensor do. Source: llama.cpp,
/// <c>src/models/falcon.cpp</c>.
/// </summary>
internal static class ParallelAttentionKeys
{
    private const string SecondNorm = "blk.0.attn_norm_2.weight";

    private static readonly TraitFact Norms = new("ParallelAttention", "Norms", 0);

    public static TraitKeys All { get; } = new("ParallelAttention")
    {
        Facts = [Norms],
        Told = facts => facts.File.TryGetTensor(SecondNorm, out _)
            ? [new StatedTrait(Norms, 2, $"{facts.ArchitectureText} and there is a tensor '{SecondNorm}'")]
            : [new StatedTrait(Norms, 1, facts.ArchitectureText)],
    };
}
