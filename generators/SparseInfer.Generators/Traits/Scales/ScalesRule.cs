using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Traits.Scales;

/// <summary>Scales are finite and positive.</summary>
internal sealed class ScalesRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0047",
        "Scale is not finite and positive",
        "{0} of [Scales] must be finite and positive, but is {1}; leave it out for no scale or write the model's own, as in '{0} = {2}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0047.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from trait in declaration.Traits
        where trait.Trait is ScalesTrait
        from number in new[] { (Name: "Residual", Example: "0.25f"), (Name: "Logits", Example: "0.125f") }
        where trait.Attribute.IsSet(number.Name) && trait.Attribute.Value(number.Name, 0f) is not (> 0f and <= float.MaxValue)
        select new Violation(trait.Attribute.LocationOf(number.Name), number.Name, trait.Attribute.Decimal(number.Name, ""), number.Example);
}
