using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.InputThreshold;

/// <summary>TEAL cuts at thresholds that were calibrated; there is no default.</summary>
internal sealed class InputThresholdValueRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0062",
        "Input threshold is not usable",
        "{0} of [InputThreshold] must be finite and not negative, but is {1}; write the calibrated one, as in '{0} = 0.1f', or leave it out",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0062.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is InputThresholdPolicy
        from use in InputThresholdPolicy.Uses
        where policy.Attribute.Value(use, 0f) is not (>= 0f and <= float.MaxValue)
        select new Violation(policy.Attribute.LocationOf(use), use, policy.Attribute.Decimal(use, ""));
}
