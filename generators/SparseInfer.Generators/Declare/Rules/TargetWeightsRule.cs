using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Declare;

/// <summary>A model with a target is of weight types that GPUs have kernels for.</summary>
internal sealed class TargetWeightsRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0050",
        "Weight type has no kernels for the target",
        "{0} has no kernels for GPUs such as target '{1}'; declare {2}, convert the weights when they are loaded, or leave [Target] out to run on the CPU",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0050.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { Target: { } target, Weights: { } weights })
        {
            yield break;
        }

        string usable = string.Join(", ", Format.All.Where(format => format.HasDeviceKernels).Select(format => format.Type));
        foreach ((int type, Location location) in weights.Elements<int>())
        {
            if (Format.All.Any(format => format.Type == (WeightType)type && !format.HasDeviceKernels))
            {
                yield return new Violation(location, ((WeightType)type).ToString(), target.Text ?? "", "one of " + usable);
            }
        }
    }
}
