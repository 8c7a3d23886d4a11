using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>Reads <c>[Weights]</c>, of which a model may have several for several roles. Called only on declarations that broke no rule.</summary>
internal static class WeightsParser
{
    /// <summary>An attribute's types in the order declared: generated code tries them in that order.</summary>
    public static EquatableArray<WeightType> Types(DeclaredAttribute attribute) =>
        attribute.Elements<int>().Select(element => (WeightType)element.Value).ToEquatableArray();

    /// <summary>The types of all roles, those of roles that no attribute names first.</summary>
    public static EquatableArray<WeightType> All(Declaration declaration) =>
        declaration.AllWeights.OrderBy(weights => Role(weights) != WeightRole.None).SelectMany(weights => Types(weights)).Distinct().ToEquatableArray();

    /// <summary>The types of each role; nothing where all have the same, so that equal models are equal however they are declared.</summary>
    public static EquatableArray<RoleWeights> ByRole(Declaration declaration)
    {
        // Roles that are all named leave a policy's own matrices: those are for the feed-forward.
        RoleWeights[] byRole =
        [
            .. RoleWeights.Roles.Select(role => new RoleWeights(role, Types(Of(declaration, role)!))),
            new(WeightRole.None, Types(Of(declaration, WeightRole.None) ?? Of(declaration, WeightRole.FeedForward)!)),
        ];
        return byRole.Skip(1).All(weights => weights.Types.Equals(byRole[0].Types)) ? default : byRole.ToEquatableArray();
    }

    /// <summary>What an attribute says of its role.</summary>
    public static WeightRole Role(DeclaredAttribute weights) => weights.Value("Role", WeightRole.None);

    /// <summary>The attribute for a role: the one that names it, else the one that names none. A tied head is the embedding.</summary>
    public static DeclaredAttribute? Of(Declaration declaration, WeightRole role)
    {
        role = role == WeightRole.Head && declaration.Embedding?.Value("Tied", false) == true ? WeightRole.Embedding : role;
        return declaration.AllWeights.FirstOrDefault(weights => role != WeightRole.None && Role(weights).HasFlag(role))
            ?? declaration.AllWeights.FirstOrDefault(weights => Role(weights) == WeightRole.None);
    }
}
