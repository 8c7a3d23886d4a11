using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies.Dense;
using SparseInfer.Generators.Policies.Exact;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>Writes which kernel runs: by mode, and in Predicted mode by what is declared for the layer.</summary>
internal static class PolicySwitch
{
    /// <summary>Writes the switch; <c>layer</c> is in scope where there are several policies.</summary>
    /// <param name="call">What runs a policy, as statements: of the modes' own, or of a declared one.</param>
    /// <param name="mode">What the mode is called.</param>
    public static void Emit(CodeWriter code, FeedForwardPlan plan, EquatableArray<LayerPolicy> policies, Func<PolicySpec, string> call, string mode = "Mode")
    {
        string dense = call(new DenseSpec());
        var cases = new List<(string Label, string Call)> { ("case SparsityMode.Dense:", dense) };
        cases.Add(plan.HasZeros
            ? ("case SparsityMode.Exact:", call(new ExactSpec()))
            : ($"case SparsityMode.Exact: // {plan.Spec.Activation} has no zeros to skip", dense));
        int last = policies.Count - 1;
        string otherwise = call(policies[last].Policy);
        foreach (var group in policies.GroupBy(policy => call(policy.Policy)).Where(group => group.Key != otherwise))
        {
            cases.Add(($"case SparsityMode.Predicted when layer is {LayerSet.Pattern(group)}:", group.Key));
        }

        cases.Add(("default:", otherwise));
        if (cases.All(item => item.Call == otherwise))
        {
            code.Line($"// {plan.Spec.Activation} has no zeros to skip, and nothing else is declared: every mode computes every neuron.");
            code.Lines(otherwise);
            return;
        }

        // Labels of one call stand together, those of the default at the end.
        using (code.Block($"switch ({mode})"))
        {
            foreach (var group in cases.GroupBy(item => item.Call).OrderBy(group => group.Key == otherwise))
            {
                foreach (var (label, _) in group)
                {
                    code.Line(label);
                }

                using (code.Indent())
                {
                    code.Lines(group.Key);
                    code.Line("break;");
                }
            }
        }
    }
}
