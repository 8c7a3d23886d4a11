using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The comment at the beginning: shape, plan and launches.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private string Head
    {
        get
        {
            FeedForwardSpec feedForward = _spec.FeedForward;
            IEnumerable<string> head =
            [
                $"{_spec.Target.FullName} on a GPU, written by SparseInfer.Generators {GeneratedAttributes.Version}.",
                "",
                $"  model        {_spec.Layers} layers, hidden {_spec.Hidden}, vocabulary {_spec.Vocabulary}, context {_spec.Context}",
                .. _spec.Embedding.LearnedPositions > 0
                    ? [$"  positions    {_spec.Embedding.LearnedPositions} learned, the first in row {_spec.Embedding.PositionOffset}; {Literal.Grouped(PositionBytes)} bytes in F32"]
                    : Array.Empty<string>(),
                $"  attention    {_attention.Heads} heads, {_attention.KeyValueHeads} key-value heads, {_attention.HeadDimension} each",
                $"  feed-forward {(_spec.Experts is { } experts ? $"{experts.Active} of {experts.Count} experts, each " : "")}{feedForward.Intermediate} neurons, {feedForward.Activation}, {(feedForward.Gated ? "gated" : "not gated")}",
                .. _feedForwards.Select(plan => $"               {plan.ClassName}"),
                $"  weights      {_spec.DescribeWeights()}",
                $"  cache        {Literal.Grouped(_plan.CachedBytes)} bytes a position in F16, twice that in F32",
                $"  bytes        {Literal.Grouped(_plan.Shape.DenseBytes)} a token when dense",
                $"  plan         made for {_plan.Target.Name}; splits of {IlgpuDecoderPlan.SplitPositions} positions, prompts {_plan.Batch} tokens at a time",
                .. ByChannel.Select((plan, i) => $"  {(i == 0 ? "by channel" : ""),-12} {string.Join(", ", plan.Matrices.Select(matrix => matrix.Variable))}: "
                    + $"a row for each input, those of zeros unread; {plan.Slices} {(plan.Slices == 1 ? "slice" : "slices")} of {plan.Slice}; dense prompts read every row"),
                .. Launches(),
                "",
                "In Predicted mode the layers do this:",
                .. _spec.Policies.Concat(_spec.SitePolicies).Select(policy => policy.Describe()),
                .. _spec.ModelPolicies.Select(policy => $"  {"the head",-12} {policy.Describe()}"),
            ];
            return string.Join("\n", head);
        }
    }

    private long PositionBytes => DeviceFootprint.PositionTableBytes(_program);

    /// <summary>Columns of what the comment says of a thing.</summary>
    private const int HeadWidth = 95;

    /// <summary>How often a token launches kernels, and a step of several sequences.</summary>
    private IEnumerable<string> Launches()
    {
        string token = Launches(_launches.Token, " a layer", "token");
        string whole = $"  {"launches",-12} {token}";
        foreach (string line in "// ".Length + whole.Length <= LineBreaker.MaxLength ? [whole] : Broken("launches", token))
        {
            yield return line;
        }

        if (_launches.Together is { } together)
        {
            foreach (string line in Broken("together", Launches(together, $" a layer for a token of each of up to {TogetherPlan.Tokens} sequences", "step")))
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<string> Broken(string name, string text)
    {
        foreach (string line in LineBreaker.Prose(text, LineBreaker.MaxLength - HeadWidth))
        {
            yield return $"  {name,-12} {line}";
            name = "";
        }
    }

    private static string Launches(LaunchPass pass, string ofLayer, string what)
    {
        string[] layer = [.. pass.Launches.Where(launch => launch is { IsOfLayer: true, IsOfPolicy: false }).Select(launch => launch.What)];
        string[] ofHead = [.. pass.Launches.Where(launch => launch is { IsOfLayer: false, IsOfPolicy: true }).Select(launch => launch.What)];
        string[] policies = [.. pass.Launches.Where(launch => launch is { IsOfLayer: true, IsOfPolicy: true }).Select(launch => launch.What).Distinct()];
        return $"{layer.Length}{ofLayer}: {string.Join(", ", layer)}; {pass.Launches.Count(launch => launch is { IsOfLayer: false, IsOfPolicy: false })} more a {what}"
            + (policies.Length == 0 ? "" : $"; in Predicted mode, where a layer's policy has them, {string.Join(", ", policies)}")
            + (ofHead.Length == 0 ? "" : $"; in Predicted mode, instead of the logits, {string.Join(", ", ofHead)}");
    }
}
