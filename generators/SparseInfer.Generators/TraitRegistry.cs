using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators;

/// <summary>All traits, in the order in which they rewrite a program.</summary>
internal static class TraitRegistry
{
    public static readonly IReadOnlyList<ModelTrait> All =
    [
    ];
}
