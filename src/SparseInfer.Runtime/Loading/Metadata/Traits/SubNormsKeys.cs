namespace SparseInfer.Loading;

/// <summary><c>[SubNorms]</c>: no key says it, but the architecture does. Source: llama.cpp, <c>src/models/bitnet.cpp</c>.</summary>
internal static class SubNormsKeys
{
    private static readonly TraitFact Are = new("SubNorms", "", 0);

    public static TraitKeys All { get; } = new("SubNorms") { Facts = [Are], Told = facts => [new StatedTrait(Are, 1, facts.ArchitectureText)] };
}
