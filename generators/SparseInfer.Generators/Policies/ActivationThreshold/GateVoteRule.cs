using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

/// <summary>Votes select gates for activations that are small near zero on both sides; numbers of outliers belong to them.</summary>
internal sealed class GateVoteRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0061",
        "Votes of ActivationThreshold are not usable",
        "{0} of [ActivationThreshold] {1}; write {2}",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0061.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    /// <summary>Hundredths of it are an integer of 32 bits.</summary>
    private const float LargestVote = 1e7f;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        foreach (DeclaredAttribute attribute in declaration.Policies.Where(policy => policy.Policy is ActivationThresholdPolicy).Select(policy => policy.Attribute))
        {
            if (!attribute.IsSet("GateVote"))
            {
                foreach (string outliers in new[] { "OutlierWeight", "OutlierSigmas" }.Where(attribute.IsSet))
                {
                    yield return Violate(outliers, "is for votes, and GateVote is not set", "'GateVote = 250', too, or leave it out");
                }

                continue;
            }

            if (ActivationThresholdPolicy.IsPerNeuron(attribute))
            {
                yield return Violate("GateVote", "stands beside PerNeuron, whose kernel counts no votes", "one threshold, as in 'Threshold = 0.1f', or leave it out");
            }

            if (attribute.Value("GateVote", 0f) is not (> 0f and <= LargestVote))
            {
                yield return Violate("GateVote", $"is {attribute.Decimal("GateVote", "")}, but must be above 0 and at most 10000000", "for example 'GateVote = 250'");
            }

            if (attribute.Value("OutlierWeight", 30f) is not (>= 0f and <= VoteParameters.MaxOutlierWeight))
            {
                yield return Violate(
                    "OutlierWeight", $"is {attribute.Decimal("OutlierWeight", "")}, but must be at least 0 and at most {VoteParameters.MaxOutlierWeight}", "for example 'OutlierWeight = 30'");
            }

            if (attribute.Value("OutlierSigmas", 3f) is not (> 0f and <= float.MaxValue))
            {
                yield return Violate("OutlierSigmas", $"is {attribute.Decimal("OutlierSigmas", "")}, but must be finite and positive", "for example 'OutlierSigmas = 3'");
            }

            if (declaration.HasActivation && declaration.Activation.HasExactZeros())
            {
                yield return Violate(
                    "GateVote",
                    $"keeps votes on both sides of zero, but Activation.{declaration.Activation} is zero on one",
                    declaration.Activation.NeedsAllGates() ? "[ExactSparsity]" : "[SignMagnitudePredictor]");
            }

            Violation Violate(string name, string what, string instead) => new(attribute.LocationOf(name), name, what, instead);
        }
    }
}
