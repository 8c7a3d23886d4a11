using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A profile gives something.</summary>
internal sealed class ProfileUnusedRule : ProfileRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0069",
        "Profile is not used",
        "No policy takes a strength from '{0}': each sets its own, or has none; leave a strength out, or remove [SparsityProfile]",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0069.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    protected override IEnumerable<Violation> Check(DeclaredProfile profile)
    {
        if (profile.IsUsable && !profile.IsUsed)
        {
            yield return new(profile.Attribute.Location, profile.Name);
        }
    }
}
