using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Attributes of a model stand on a <c>[DecoderModel]</c> class, those of a layer on a <c>[FeedForward]</c> property.</summary>
internal sealed class StrayAttributeRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0005",
        "Attribute stands without the declaration it belongs to",
        "[{0}] says nothing without [{1}]; add [{1}] to '{2}' or remove [{0}]",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0005.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isProperty = declaration.Property is not null;
        if ((isProperty ? declaration.FeedForward : declaration.DecoderModel) is null)
        {
            string missing = isProperty ? "FeedForward" : "DecoderModel";
            DeclaredAttribute first = declaration.Attributes[0];
            yield return new Violation(first.Location, first.DisplayName, missing, declaration.Symbol.Name).With("Attribute", missing);
        }
    }
}
