using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary><c>[RmsNorm]</c> and <c>[LayerNorm]</c> exclude each other.</summary>
internal sealed class TwoNormsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0007",
        "Model has two norms",
        "'{0}' has [{1}] and [{2}], but a model has one norm; remove one of them",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0007.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        DeclaredAttribute[] norms =
        [
            .. declaration.Attributes.Where(norm => norm.MetadataName is AttributeNames.RmsNorm or AttributeNames.LayerNorm),
        ];
        if (norms.Length > 1)
        {
            yield return new Violation(norms[1].Location, declaration.Symbol.Name, norms[0].DisplayName, norms[1].DisplayName);
        }
    }
}
