using System.Globalization;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// Weights and one session's key-value cache find room in the target's memory. A warning: a session may have less context than is declared.
/// </summary>
internal sealed class TargetTooSmallRule : DeclarationRule
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

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        // A declaration that breaks another rule has no sizes to speak of.
        if (declaration.Target is not { } target || ModelParser.Parse(declaration.Symbol, CancellationToken.None) is not { } spec)
        {
            yield break;
        }

        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(spec);
        DeviceFootprint footprint = DeviceFootprint.Smallest(plan);
        if (footprint.Bytes(spec.Context) > plan.Target.MemoryBytes)
        {
            yield return new Violation(
                target.TextLocation,
                Size(footprint.WeightBytes),
                Size(footprint.CacheBytes(spec.Context)),
                Show(spec.Context),
                Size(plan.Target.MemoryBytes),
                target.Text!,
                Advice(spec, plan.Target, footprint));
        }
    }

    private static string Advice(ModelSpec spec, DeviceTarget target, DeviceFootprint footprint)
    {
        if (footprint.LongestContext(target.MemoryBytes) is > 0 and var context)
        {
            return $"declare Context = {Show(context)} or less, or smaller weights";
        }

        foreach (Format format in Format.All.OrderByDescending(format => format.Bytes(spec.Hidden)))
        {
            ModelSpec smaller = spec with { Weights = new[] { format.Type }.ToEquatableArray() };
            if (DeviceFootprint.Smallest(IlgpuDecoderPlan.Of(smaller)).Bytes(spec.Context) <= target.MemoryBytes)
            {
                return $"declare [Weights(WeightType.{format.Type})]";
            }
        }

        return "declare smaller weights and a smaller Context, or a target with more memory";
    }

    private static string Size(long bytes) => (bytes / (double)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB";
}
