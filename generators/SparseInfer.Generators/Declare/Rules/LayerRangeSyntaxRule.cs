using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary><c>Layers</c> of a policy is a list of ranges.</summary>
internal sealed class LayerRangeSyntaxRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0022",
        "Layers cannot be read",
        "Layers = '{0}' of [{1}] cannot be read, for {2}; write ranges with both ends included, as in '0..19', '20..' or '0..3, 7'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0022.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Type is null)
        {
            yield break;
        }

        foreach (DeclaredPolicy policy in declaration.Policies)
        {
            string? text = policy.Attribute.Value<string?>("Layers", null);
            if (!LayerRange.TryParse(text, declaration.Layers, out _, out string error))
            {
                yield return new Violation(policy.Attribute.LocationOf("Layers"), text!, policy.Attribute.DisplayName, error);
            }
        }
    }
}
