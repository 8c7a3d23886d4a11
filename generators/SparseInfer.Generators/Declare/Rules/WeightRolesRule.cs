using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Every matrix has one <c>[Weights]</c>: the one that names its role, else the one that names none.</summary>
internal sealed class WeightRolesRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0055",
        "Roles of Weights leave matrices out, or have them twice",
        "{0}; {1}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0055.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        DeclaredAttribute[] all = [.. declaration.AllWeights];
        if (all.Length == 0 || declaration.Property is not null || all.Any(weights => WeightRoleRule.IsWrong(declaration, WeightsParser.Role(weights))))
        {
            yield break;
        }

        var first = new HashSet<WeightRole>();
        foreach (DeclaredAttribute weights in all)
        {
            WeightRole role = WeightsParser.Role(weights);
            foreach (WeightRole one in role == WeightRole.None ? [role] : WeightRoleRule.Apart(role))
            {
                if (!first.Add(one))
                {
                    yield return one == WeightRole.None
                        ? new Violation(weights.Location, "a second [Weights] names no role", "name every type in one, or write which matrices this one is for, as in 'Role = WeightRole.Attention'")
                        : new Violation(weights.LocationOf("Role"), $"{one} has types in another [Weights] too", "name all of its types in one");
                }
            }
        }

        WeightRole[] others = [.. WeightRoleRule.Of(declaration).Where(role => !first.Contains(role))];
        if (first.Contains(WeightRole.None) && others.Length == 0)
        {
            yield return new Violation(
                all.First(weights => WeightsParser.Role(weights) == WeightRole.None).Location,
                "[Weights] without a role is for no matrix, since others name every role",
                "remove it, or a role of another");
        }
        else if (!first.Contains(WeightRole.None) && others.Length > 0)
        {
            yield return new Violation(
                all[0].Location,
                $"no [Weights] has types for {string.Join(", ", others)}",
                "name them in a Role, or add a [Weights] without one for the rest");
        }
    }
}
