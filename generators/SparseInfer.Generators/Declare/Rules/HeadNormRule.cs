using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Norms of heads are RMSNorm with the epsilon of the model's own, which must be one.</summary>
internal sealed class HeadNormRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0044",
        "Norms of heads beside LayerNorm",
        "QueryKeyNorms are RMSNorm with the epsilon of [RmsNorm], but [LayerNorm] is declared; write [RmsNorm], or leave QueryKeyNorms out",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0044.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is { Attention: { } attention, LayerNorm: not null, RmsNorm: null } && attention.Value("QueryKeyNorms", false))
        {
            yield return new Violation(attention.LocationOf("QueryKeyNorms"));
        }
    }
}
