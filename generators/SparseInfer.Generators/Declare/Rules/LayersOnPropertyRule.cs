using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A layer that stands alone has no number.</summary>
internal sealed class LayersOnPropertyRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0026",
        "Layers on a single layer",
        "Layers = '{0}' means nothing on '{1}', which is one layer; remove it",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0026.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where declaration.Property is not null && policy.Attribute.IsSet("Layers")
        select new Violation(
            policy.Attribute.LocationOf("Layers"), policy.Attribute.Value<string?>("Layers", null) ?? "null", declaration.Symbol.Name);
}
