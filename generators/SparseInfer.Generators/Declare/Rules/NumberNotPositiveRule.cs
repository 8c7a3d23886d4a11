using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Rotary base and scaling, epsilons and the embedding scale are finite and positive.</summary>
internal sealed class NumberNotPositiveRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0014",
        "Number is not finite and positive",
        "{0} of [{1}] must be finite and positive, but is {2}; leave it out for {3} or write the model's own",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0014.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from number in new (DeclaredAttribute? Attribute, string Name, string Default)[]
        {
            (declaration.Attention, "RopeTheta", "10000"),
            (declaration.Attention, "RopeScaling", "1"),
            (declaration.RmsNorm, "Epsilon", "1e-5"),
            (declaration.LayerNorm, "Epsilon", "1e-5"),
            (declaration.Embedding, "Scale", "1"),
        }
        where number.Attribute?.IsSet(number.Name) == true && number.Attribute.Value(number.Name, 0f) is not (> 0f and <= float.MaxValue)
        select new Violation(
            number.Attribute.LocationOf(number.Name),
            number.Name,
            number.Attribute.DisplayName,
            number.Attribute.Decimal(number.Name, ""),
            number.Default);
}
