using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>Writes which kernel runs: by mode, and in Predicted mode by what is declared for the layer.</summary>
internal static class PolicySwitch
{
    /// <summary>Writes the switch; <c>slot, from, to, tally</c> are in scope, and <c>layer</c> where there are several policies.</summary>
    public static void Emit(CodeWriter code, FeedForwardPlan plan, string weights, EquatableArray<LayerPolicy> policies)
    {
        var cases = new List<(string Label, string Call)> { ("case SparsityMode.Dense:", Call(plan, weights, "Dense")) };
        cases.Add(plan.HasZeros
            ? ("case SparsityMode.Exact:", Call(plan, weights, "Exact"))
            : ($"case SparsityMode.Exact: // {plan.Spec.Activation} has no zeros to skip", Call(plan, weights, "Dense")));
        int last = policies.Count - 1;
        string otherwise = Call(plan, weights, policies[last].Policy);
        foreach (var group in policies.GroupBy(policy => Call(plan, weights, policy.Policy)).Where(group => group.Key != otherwise))
        {
            cases.Add(($"case SparsityMode.Predicted when layer is {string.Join(" or ", group.Select(Range))}:", group.Key));
        }

        cases.Add(("default:", otherwise));
        if (cases.All(item => item.Call == otherwise))
        {
            code.Line($"// {plan.Spec.Activation} has no zeros to skip, and nothing else is declared: every mode computes every neuron.");
            code.Line(otherwise);
            return;
        }

        // Labels of one call stand together, those of the default at the end.
        using (code.Block("switch (Mode)"))
        {
            foreach (var group in cases.GroupBy(item => item.Call).OrderBy(group => group.Key == otherwise))
            {
                foreach (var (label, _) in group)
                {
                    code.Line(label);
                }

                code.Line("    " + group.Key);
                code.Line("    break;");
            }
        }
    }

    private static string Range(LayerPolicy policy) => policy.First == policy.Last ? $"{policy.First}"
        : policy.First == 0 ? $"<= {policy.Last}"
        : $"(>= {policy.First} and <= {policy.Last})";

    private static string Call(FeedForwardPlan plan, string weights, PolicySpec policy)
    {
        CpuKernelEmitter kernel = PolicyRegistry.For(policy).Cpu;
        return Call(plan, weights, kernel.MethodName, kernel.Parameter is null ? "" : ", " + kernel.Argument(policy, plan));
    }

    private static string Call(FeedForwardPlan plan, string weights, string method, string argument = "") =>
        $"{plan.ClassName}.{method}<TMeter>({weights}, slot, from, to, ref tally{argument});";
}
