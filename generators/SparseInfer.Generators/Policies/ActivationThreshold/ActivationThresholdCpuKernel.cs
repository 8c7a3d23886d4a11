using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Policies.ActivationThreshold;

internal sealed class ActivationThresholdCpuKernel : SkippingKernelEmitter
{
    public override string MethodName => "ActivationThreshold";

    public override string Parameter => "float threshold";

    public override string Argument(PolicySpec spec, FeedForwardPlan plan) =>
        $"threshold: {Literal.OfDecimal(((ActivationThresholdSpec)spec).Threshold)}";

    public override string Describe(PolicySpec spec) =>
        $"activation threshold {((ActivationThresholdSpec)spec).Threshold}: skips up and down where |activation| is smaller";

    public override string Summary(FeedForwardPlan plan) =>
        "Activation threshold (CATS, arXiv 2404.08763): a neuron goes on only where |activation| &gt;= threshold.";

    public override string Keep(string activation) => $"MathF.Abs({activation}) >= threshold";
}
