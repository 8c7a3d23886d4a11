using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>The profile is one of the project's additional files, and only one.</summary>
internal sealed class ProfileMissingRule : ProfileRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0065",
        "Profile is not there",
        "'{0}' of [SparsityProfile] {1}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0065.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    protected override IEnumerable<Violation> Check(DeclaredProfile profile)
    {
        if (profile.FilesCalledSo != 1)
        {
            yield return new(
                profile.Attribute.TextLocation,
                profile.Name,
                profile.FilesCalledSo == 0
                    ? $"is no JSON file that the project gives to compilers; write '<AdditionalFiles Include=\"{profile.Name}\" />' in the project file"
                    : $"is how the paths of {Show(profile.FilesCalledSo)} additional files end; write more of the path");
        }
    }
}
