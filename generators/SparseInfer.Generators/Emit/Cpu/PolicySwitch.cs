using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>Writes which kernel runs: by mode, and in Predicted mode by what is declared for the layer.</summary>
internal static class PolicySwitch
{
    /// <summary>Writes the switch; <c>w, slot, from, to, tally</c> and <c>layer</c> are in scope.</summary>
    public static void Emit(CodeWriter code, FeedForwardPlan plan, EquatableArray<LayerPolicy> policies)
    {
        using (code.Block("switch (Mode)"))
        {
            code.Line("case SparsityMode.Dense:");
            code.Line("    " + Call(plan, "Dense"));
            code.Line("    break;");
            code.Line("case SparsityMode.Exact:");
            code.Line(plan.HasZeros ? "    " + Call(plan, "Exact") : $"    {Call(plan, "Dense")} // {plan.Spec.Activation} has no zeros to skip");
            code.Line("    break;");
            if (policies.Count == 1)
            {
                code.Line("default:");
                code.Line("    " + Call(plan, policies[0].Policy));
                code.Line("    break;");
                return;
            }

            for (int i = 0; i < policies.Count; i++)
            {
                code.Line(i == policies.Count - 1 ? "default:" : $"case SparsityMode.Predicted when layer <= {policies[i].Last}:");
                code.Line("    " + Call(plan, policies[i].Policy));
                code.Line("    break;");
            }
        }
    }

    private static string Call(FeedForwardPlan plan, PolicySpec policy)
    {
        CpuKernelEmitter kernel = PolicyRegistry.For(policy).Cpu;
        return Call(plan, kernel.MethodName, kernel.Parameter is null ? "" : ", " + kernel.Argument(policy, plan));
    }

    private static string Call(FeedForwardPlan plan, string method, string argument = "") =>
        $"{plan.ClassName}.{method}<TMeter>(w, slot, from, to, ref tally{argument});";
}
