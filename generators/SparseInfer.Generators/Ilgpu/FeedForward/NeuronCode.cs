using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What kernels of one token and of several do with a neuron alike: its biases, its factors, and how neurons become a list.</summary>
internal static class NeuronCode
{
    /// <summary>What is added to a neuron's dot product with a row of a matrix; empty: nothing.</summary>
    /// <param name="neuron">The neuron's number.</param>
    public static string Bias(IlgpuFeedForwardPlan plan, string matrix, string neuron = "neuron") =>
        plan.Spec.Biases ? $" + w.{matrix}Bias[{neuron}]" : "";

    /// <summary>What a kernel does with a neuron, in words.</summary>
    public static string Phases(IlgpuFeedForwardPlan plan) => (plan.Spec.Gated, plan.Shape.NeedsAllGates) switch
    {
        (true, false) => "Gate, activation, up",
        (true, true) => "Activation and up",
        (false, false) => "Up and activation",
        (false, true) => "Activation",
    };

    /// <summary>What an activation is multiplied with.</summary>
    /// <param name="up">The dot product with the row of up.</param>
    public static string UpFactor(IlgpuFeedForwardPlan plan, string up = "up", string neuron = "neuron")
    {
        string bias = Bias(plan, "Up", neuron);
        return plan.Spec.Activation == Activation.DRelu ? $"Activate({up}{bias})" : bias.Length > 0 ? $"({up}{bias})" : up;
    }

    /// <summary>How many bits are set of lanes before the own.</summary>
    public static string Before(string bits) => $"IntrinsicMath.PopCount({bits} & ((1u << lane) - 1u))";

    /// <summary>A warp's neurons, a bit each, where all of them exist.</summary>
    private static string AllBits(int neurons) => neurons == 32 ? "0xffffffffu" : $"0x{(1u << neurons) - 1:x}u";

    /// <summary>Writes which of a warp's neurons, from <c>firstOfWarp</c> on, exist: <c>inside</c>, a bit each.</summary>
    /// <param name="isExact">Whether all do.</param>
    /// <param name="neurons">Neurons of a warp.</param>
    /// <param name="name">What that number is called.</param>
    public static void EmitInside(CodeWriter code, bool isExact, int neurons, string name)
    {
        if (isExact)
        {
            code.Line($"uint inside = {AllBits(neurons)};");
            return;
        }

        code.Line("int left = Intermediate - firstOfWarp;");
        code.Line($"uint inside = left >= {name} ? {AllBits(neurons)} : left > 0 ? (1u << left) - 1u : 0u;");
    }

    /// <summary>Writes how warps tell each other their bits: how many there are, and how many come before this warp's.</summary>
    /// <param name="warps">What the number of warps is called.</param>
    public static void EmitCompaction(CodeWriter code, string bits, string count, string place, string warps)
    {
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"bits[warp] = {bits};");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line($"int {count} = 0;");
        code.Line($"int {place} = 0;");
        using (code.Block($"for (int other = 0; other < {warps}; other++)"))
        {
            code.Line("int ones = IntrinsicMath.PopCount(bits[other]);");
            code.Line($"{place} += other < warp ? ones : 0;");
            code.Line($"{count} += ones;");
        }

        code.Line();
    }
}
