using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary><c>[Weights]</c> names one or more types, none twice.</summary>
internal sealed class WeightTypesRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0019",
        "Weights is empty or repeats a type",
        "[Weights] names {0}; name each type that weights are stored in once, as in '[Weights(WeightType.F16)]'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0019.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        foreach (DeclaredAttribute weights in declaration.AllWeights)
        {
            var seen = new HashSet<int>();
            foreach ((int type, Location location) in weights.Elements<int>())
            {
                if (!seen.Add(type))
                {
                    yield return new Violation(location, ((WeightType)type).ToString() + " twice");
                }
            }

            if (seen.Count == 0)
            {
                yield return new Violation(weights.Location, "no type");
            }
        }
    }
}
