using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A profile has what is asked of it.</summary>
internal sealed class ProfileLacksRule : ProfileRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0068",
        "Profile lacks a strength",
        "'{0}' has {1}; calibrate with this policy and in all layers, or write the strength",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0068.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    protected override IEnumerable<Violation> Check(DeclaredProfile profile)
    {
        foreach ((DeclaredPolicy policy, string what) in profile.Lacks)
        {
            yield return new(policy.Attribute.Location, profile.Name, what);
        }
    }
}
