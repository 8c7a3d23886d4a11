using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Traits.SubNorms;

/// <summary>Norms inside a block are RMSNorm, as those before it are.</summary>
internal sealed class SubNormsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0049",
        "Sub-norms need RMSNorm",
        "[SubNorms] are RMSNorm, as a model's other norms are, but [LayerNorm] is declared; write [RmsNorm]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0049.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from trait in declaration.Traits
        where trait.Trait is SubNormsTrait && declaration.LayerNorm is not null
        select new Violation(trait.Attribute.Location);
}
