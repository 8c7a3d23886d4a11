using System.Globalization;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Traits.ParallelAttention;

/// <summary>Attention and feed-forward share a norm, or have one each.</summary>
internal sealed class ParallelAttentionRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0048",
        "Parallel attention has one norm or two",
        "Norms of [ParallelAttention] is {0}, but attention and feed-forward share a norm or have one each; write 1 or 2",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0048.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from trait in declaration.Traits
        where trait.Trait is ParallelAttentionTrait
        let norms = trait.Attribute.Value("Norms", 1)
        where norms is not (1 or 2)
        select new Violation(trait.Attribute.LocationOf("Norms"), norms.ToString(CultureInfo.InvariantCulture));
}
