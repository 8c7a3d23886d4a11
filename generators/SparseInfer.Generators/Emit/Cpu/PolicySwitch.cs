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
        List<(string Label, string Call)> cases =
        [
            ("case SparsityMode.Dense:", Call(plan, weights, "Dense")),
            plan.HasZeros
                ? ("case SparsityMode.Exact:", Call(plan, weights, "Exact"))
                : ($"case SparsityMode.Exact: // {plan.Spec.Activation} has no zeros to skip", Call(plan, weights, "Dense")),
        ];
        foreach (LayerPolicy policy in policies)
        {
            string layers = policy.First == policy.Last ? $"layer == {policy.First}" : $"layer <= {policy.Last}";
            bool last = policy.Equals(policies[policies.Count - 1]);
            cases.Add((last ? "default:" : $"case SparsityMode.Predicted when {layers}:", Call(plan, weights, policy.Policy)));
        }

        if (cases.All(item => item.Call == cases[0].Call))
        {
            code.Line($"// {plan.Spec.Activation} has no zeros to skip, and nothing else is declared: every mode computes every neuron.");
            code.Line(cases[0].Call);
            return;
        }

        using (code.Block("switch (Mode)"))
        {
            for (int i = 0; i < cases.Count; i++)
            {
                code.Line(cases[i].Label);
                if (i + 1 == cases.Count || cases[i + 1].Call != cases[i].Call)
                {
                    code.Line("    " + cases[i].Call);
                    code.Line("    break;");
                }
            }
        }
    }

    private static string Call(FeedForwardPlan plan, string weights, PolicySpec policy)
    {
        CpuKernelEmitter kernel = PolicyRegistry.For(policy).Cpu;
        return Call(plan, weights, kernel.MethodName, kernel.Parameter is null ? "" : ", " + kernel.Argument(policy, plan));
    }

    private static string Call(FeedForwardPlan plan, string weights, string method, string argument = "") =>
        $"{plan.ClassName}.{method}<TMeter>({weights}, slot, from, to, ref tally{argument});";
}
