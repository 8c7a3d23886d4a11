using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Where no head dimension is given, the heads cut the hidden vector into equal parts.</summary>
internal sealed class HeadsDoNotDivideHiddenRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0012",
        "Heads does not divide Hidden",
        "Hidden = {0} is not a multiple of Heads = {1}; write Heads = {2}, or say with HeadDimension how wide a head is",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0012.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Attention is { } attention && declaration is { Hidden: > 0, Heads: > 0 } &&
            attention.Value("HeadDimension", 0) == 0 && declaration.Hidden % declaration.Heads != 0)
        {
            yield return new Violation(
                attention.LocationOf("Heads"),
                Show(declaration.Hidden),
                Show(declaration.Heads),
                Divisors.Near(declaration.Hidden, declaration.Heads));
        }
    }
}
