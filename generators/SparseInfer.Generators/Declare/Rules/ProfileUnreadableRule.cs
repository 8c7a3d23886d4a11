using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A profile is what calibrate writes.</summary>
internal sealed class ProfileUnreadableRule : ProfileRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0066",
        "Profile cannot be read",
        "'{0}', line {1}: {2}; let 'sparseinfer calibrate' write it again",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0066.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    protected override IEnumerable<Violation> Check(DeclaredProfile profile)
    {
        if (profile.Fault is var (line, message))
        {
            yield return new(profile.Attribute.TextLocation, profile.Name, Show(line), message);
        }
    }
}
