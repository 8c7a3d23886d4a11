using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>Writes which kernel runs: by mode, and in Predicted mode by what is declared for the layer.</summary>
internal static class PolicySwitch
{
    /// <summary>Writes the switch; <c>layer</c> is in scope where there are several policies.</summary>
    /// <param name="set">The backend's kernels.</param>
    /// <param name="call">What runs a kernel with some values of its parameters, as statements.</param>
    /// <param name="mode">What the mode is called.</param>
    public static void Emit<TKernel>(
        CodeWriter code,
        KernelShape shape,
        IReadOnlyList<LayerPolicy> policies,
        KernelSet<TKernel> set,
        Func<TKernel, IReadOnlyList<string>, string> call,
        string mode = "Mode")
        where TKernel : PolicyKernel
    {
        string Of(PolicySpec policy) => call(set.Of(policy), policy.Arguments(shape.Spec));
        string dense = call(set.Dense, []);
        var cases = new List<(string Label, string Call)> { ("case SparsityMode.Dense:", dense) };
        cases.Add(shape.HasZeros
            ? ("case SparsityMode.Exact:", call(set.Exact, []))
            : ($"case SparsityMode.Exact: // {shape.Spec.Activation} has no zeros to skip", dense));
        int last = policies.Count - 1;
        string otherwise = Of(policies[last].Policy);
        foreach (var group in policies.GroupBy(policy => Of(policy.Policy)).Where(group => group.Key != otherwise))
        {
            cases.Add(($"case SparsityMode.Predicted when layer is {LayerSet.Pattern(group)}:", group.Key));
        }

        cases.Add(("default:", otherwise));
        if (cases.All(item => item.Call == otherwise))
        {
            code.Line($"// {shape.Spec.Activation} has no zeros to skip, and nothing else is declared: every mode computes every neuron.");
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
