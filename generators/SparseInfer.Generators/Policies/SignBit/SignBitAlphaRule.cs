using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>Alpha weighs agreeing signs against disagreeing ones: positive, and at 100 hardly a neuron of any model is skipped.</summary>
internal sealed class SignBitAlphaRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0028",
        "Alpha is out of range",
        "Alpha is {0}, but must be above 0 and at most 100; write for example 'Alpha = 1.03f'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0028.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is SignBitPolicy && policy.Attribute.Value("Alpha", 1f) is not (> 0f and <= 100f)
        select new Violation(policy.Attribute.LocationOf("Alpha"), policy.Attribute.Decimal("Alpha", "1"));
}
