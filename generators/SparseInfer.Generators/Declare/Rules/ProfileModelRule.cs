using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A profile is of the declared shape and activation.</summary>
internal sealed class ProfileModelRule : ProfileRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0067",
        "Profile of another model",
        "'{0}' is of {1}, but declared are {2}; calibrate this model, or name its own profile",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0067.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    protected override IEnumerable<Violation> Check(DeclaredProfile profile)
    {
        if (profile.OtherShape is { } other)
        {
            yield return new(profile.Attribute.TextLocation, profile.Name, profile.Profile!.Model.ToString(), other.ToString());
        }
    }
}
