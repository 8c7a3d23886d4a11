using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Rotary frequencies are scaled in one way, and by numbers that make sense together.</summary>
internal sealed class RopeScalingRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0050",
        "Rotary scaling contradicts itself",
        "{0} of [{1}] is {2}, but must be {3}; write the model's own",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0050.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        DeclaredAttribute[] scalings = [.. declaration.RopeScalings];
        if (scalings.Length > 1)
        {
            yield return new Violation(scalings[1].Location, "The second scaling", scalings[1].DisplayName, "there", $"left out, as [{scalings[0].DisplayName}] scales already");
        }

        if (scalings.Length > 0 && declaration.Attention is { } attention && attention.Value("RopeScaling", 1f) is not 1f)
        {
            yield return new Violation(
                attention.LocationOf("RopeScaling"), "RopeScaling", "Attention", attention.Decimal("RopeScaling", ""), $"left out, as [{scalings[0].DisplayName}] scales already");
        }

        foreach (DeclaredAttribute scaling in scalings.Where(scaling => scaling.MetadataName != AttributeNames.FrequencyFactors))
        {
            foreach (Violation violation in CheckNumbers(scaling))
            {
                yield return violation;
            }
        }
    }

    private static IEnumerable<Violation> CheckNumbers(DeclaredAttribute scaling)
    {
        if (scaling.Value("Factor", 0f) is not (> 1f and <= float.MaxValue))
        {
            yield return Wrong(scaling, "Factor", "finite and more than 1");
        }

        int original = scaling.Value("OriginalContext", 0);
        if (original < 1)
        {
            yield return new Violation(
                scaling.LocationOf("OriginalContext"), "OriginalContext", scaling.DisplayName, scaling.IsSet("OriginalContext") ? Show(original) : "not set", "at least 1");
        }

        bool isYarn = scaling.MetadataName == AttributeNames.YarnScaling;
        (string less, float least, string more, float most) = isYarn ? ("BetaSlow", 1f, "BetaFast", 32f) : ("LowFrequencyFactor", 1f, "HighFrequencyFactor", 4f);
        float low = scaling.Value(less, least);
        if (low is not (> 0f and <= float.MaxValue))
        {
            yield return Wrong(scaling, less, "finite and positive");
        }
        else if (!(scaling.Value(more, most) is <= float.MaxValue and var high && high > low))
        {
            yield return Wrong(scaling, scaling.IsSet(more) ? more : less, scaling.IsSet(more) ? $"finite and more than {less}" : $"less than {more}");
        }

        if (isYarn && scaling.Value("AttentionFactor", 0f) is not (>= 0f and <= float.MaxValue))
        {
            yield return Wrong(scaling, "AttentionFactor", "finite and positive, or 0 for the usual one");
        }
    }

    private static Violation Wrong(DeclaredAttribute scaling, string name, string must) =>
        new(scaling.LocationOf(name), name, scaling.DisplayName, scaling.Decimal(name, "not set"), must);
}
