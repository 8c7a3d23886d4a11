using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A target is a device or an architecture of the table that plans are made from.</summary>
internal sealed class UnknownTargetRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0034",
        "Target is not known",
        "There is no target '{0}'; write {1}{2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0034.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration.Target is { } target && DeviceTable.Find(target.Text ?? "") is null)
        {
            string text = target.Text ?? "";
            string? nearest = DeviceTable.Nearest(text);
            string first = nearest is null ? "one of " : $"\"{nearest}\" or another of ";
            yield return new Violation(target.TextLocation, text, first, string.Join(", ", DeviceTable.Names)).With("Nearest", nearest);
        }
    }
}
