using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A role of <c>[Weights]</c> is one that the declaration has matrices of.</summary>
internal sealed class WeightRoleRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0056",
        "Role of Weights has no matrices",
        "{0}; {1}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0056.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        DeclaredAttribute[] all = [.. declaration.AllWeights];
        if (declaration.Property is not null)
        {
            foreach (DeclaredAttribute weights in all.Where(weights => weights.IsSet("Role")))
            {
                yield return new Violation(weights.LocationOf("Role"), "a layer alone has no roles", "name the types alone");
            }

            foreach (DeclaredAttribute weights in all.Skip(1).Where(weights => !weights.IsSet("Role")))
            {
                yield return new Violation(weights.Location, "a layer alone has one [Weights]", "name all types in the first");
            }

            yield break;
        }

        foreach (DeclaredAttribute weights in all)
        {
            WeightRole role = WeightsParser.Role(weights);
            if (Undefined(role) is var undefined and not 0)
            {
                yield return new Violation(
                    weights.LocationOf("Role"), $"{Show((int)undefined)} is no WeightRole", $"write one or more of {string.Join(", ", RoleWeights.Roles)}, joined by '|'");
            }
            else if (IsWrong(declaration, role))
            {
                yield return new Violation(
                    weights.LocationOf("Role"), "Head is the embedding, by [Embedding(Tied = true)]", "write WeightRole.Embedding, which both have");
            }
        }
    }

    /// <summary>The roles that a model has matrices of.</summary>
    public static IEnumerable<WeightRole> Of(Declaration declaration) => RoleWeights.Roles.Where(role => !IsWrong(declaration, role));

    /// <summary>The roles that a value names.</summary>
    public static IEnumerable<WeightRole> Apart(WeightRole roles) => RoleWeights.Roles.Where(role => (roles & role) != 0);

    /// <summary>Whether a value names a role that there is not, or of which the model has no matrix.</summary>
    public static bool IsWrong(Declaration declaration, WeightRole roles) => Undefined(roles) != 0
        || ((roles & WeightRole.Head) != 0 && declaration.Embedding?.Value("Tied", false) == true);

    private static WeightRole Undefined(WeightRole roles) => roles & ~RoleWeights.Roles.Aggregate((all, role) => all | role);
}
