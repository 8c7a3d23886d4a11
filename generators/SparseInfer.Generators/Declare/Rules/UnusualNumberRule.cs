using System.Globalization;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Rotary base and scaling, epsilons, the embedding scale and FATReLU's threshold are of the size that models have.</summary>
internal sealed class UnusualNumberRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0038",
        "Number is far from that of any model",
        "{0} of [{1}] is {2}, but models have {3} to {4}; write the model's own",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0038.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from number in new (DeclaredAttribute? Attribute, string Name, float Least, float Most)[]
        {
            (declaration.Attention, "RopeTheta", 100f, 1e10f),
            (declaration.Attention, "RopeScaling", 1f, 1024f),
            (declaration.RmsNorm, "Epsilon", 1e-12f, 0.01f),
            (declaration.LayerNorm, "Epsilon", 1e-12f, 0.01f),
            (declaration.Embedding, "Scale", 0.001f, 1000f),
            (declaration.Activation == Activation.FatRelu ? declaration.FeedForward : null, "Threshold", 0f, 10f),
        }
        where number.Attribute?.IsSet(number.Name) == true
        let value = number.Attribute.Value(number.Name, 0f)
        where value is > 0f and <= float.MaxValue && (value < number.Least || value > number.Most)
        select new Violation(
            number.Attribute.LocationOf(number.Name),
            number.Name,
            number.Attribute.DisplayName,
            number.Attribute.Decimal(number.Name, ""),
            Show(number.Least),
            Show(number.Most));

    private static string Show(float number) => number.ToString("R", CultureInfo.InvariantCulture);
}
