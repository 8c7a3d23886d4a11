using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Activations, weight types and rotary pairings are named ones, not casts of numbers.</summary>
internal sealed class UndefinedEnumValueRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0021",
        "Enum value is not defined",
        "{0} is no {1}; write one of {2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0021.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        var violations = new List<Violation>();
        if (declaration.FeedForward is { } feedForward)
        {
            Add<Activation>(feedForward.Value("Activation", 0), feedForward.LocationOf("Activation"));
        }

        if (declaration.Attention is { } attention)
        {
            Add<RopePairing>(attention.Value("RopePairing", 0), attention.LocationOf("RopePairing"));
        }

        if (declaration.Experts is { } experts)
        {
            Add<ExpertGating>(experts.Value("Gating", 0), experts.LocationOf("Gating"));
            Add<RouterInput>(experts.Value("Router", 0), experts.LocationOf("Router"));
        }

        foreach ((int type, Location location) in declaration.AllWeights.SelectMany(weights => weights.Elements<int>()))
        {
            Add<WeightType>(type, location);
        }

        return violations;

        void Add<T>(int value, Location location)
            where T : struct
        {
            if (!Enum.IsDefined(typeof(T), value))
            {
                violations.Add(new Violation(location, Show(value), typeof(T).Name, string.Join(", ", Enum.GetNames(typeof(T)))));
            }
        }
    }
}
