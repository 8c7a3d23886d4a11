using System.Globalization;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Weights and one session's key-value cache find room in the target's memory. A warning: a session may have less context than is declared.
/// </summary>
internal sealed class TargetTooSmallRule : ModelRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0035",
        "Model does not fit its target",
        "{0} of weights and {1} of key-value cache at Context = {2} exceed the {3} of target '{4}'; {5}",
        Category,
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0035.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration, ModelSpec model)
    {
        if (declaration.Target is not { } target)
        {
            yield break;
        }

        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(model);
        DeviceFootprint footprint = DeviceFootprint.Smallest(plan);
        if (footprint.Bytes(model.Context) > plan.Target.MemoryBytes)
        {
            yield return new Violation(
                target.TextLocation,
                Size(footprint.WeightBytes),
                Size(footprint.CacheBytes(model.Context)),
                Show(model.Context),
                Size(plan.Target.MemoryBytes),
                target.Text!,
                Advice(model, plan.Target, footprint));
        }
    }

    private static string Advice(ModelSpec model, DeviceTarget target, DeviceFootprint footprint)
    {
        if (footprint.LongestContext(target.MemoryBytes) is > 0 and var context)
        {
            return $"declare Context = {Show(context)} or less, or smaller weights";
        }

        foreach (Format format in Format.All.OrderByDescending(format => format.Bytes(model.Hidden)))
        {
            ModelSpec smaller = model with { Weights = new[] { format.Type }.ToEquatableArray() };
            if (DeviceFootprint.Smallest(IlgpuDecoderPlan.Of(smaller)).Bytes(model.Context) <= target.MemoryBytes)
            {
                return $"declare [Weights(WeightType.{format.Type})]";
            }
        }

        return "declare smaller weights and a smaller Context, or a target with more memory";
    }

    private static string Size(long bytes) => (bytes / (double)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB";
}
