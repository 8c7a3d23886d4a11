using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Traits.Observed;
using SparseInfer.Generators.Traits.ParallelAttention;
using SparseInfer.Generators.Traits.Scales;
using SparseInfer.Generators.Traits.SubNorms;

namespace SparseInfer.Generators;

/// <summary>All traits, in the order in which they rewrite a program.</summary>
internal static class TraitRegistry
{
    public static readonly IReadOnlyList<ModelTrait> All =
    [
        new ScalesTrait(),
        new ParallelAttentionTrait(),
        new SubNormsTrait(),

        // What it shows is what the others leave.
        new ObservedTrait(),
    ];
}
