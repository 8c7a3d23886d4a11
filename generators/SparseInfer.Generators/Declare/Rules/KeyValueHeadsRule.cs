using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Query heads share key and value heads in equal groups.</summary>
internal sealed class KeyValueHeadsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0011",
        "KeyValueHeads does not divide Heads",
        "Heads = {0} is not a multiple of KeyValueHeads = {1}, so query heads cannot share them evenly; write {2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0011.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        int heads = declaration.Heads;
        int shared = declaration.KeyValueHeads;
        if (declaration.Attention is { } attention && heads > 0 && shared > 0 && heads % shared != 0)
        {
            yield return new Violation(attention.LocationOf("KeyValueHeads"), Show(heads), Show(shared), Divisors.Near(heads, shared));
        }
    }
}
