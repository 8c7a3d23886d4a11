using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// The call of a policy's kernel; <c>slots, from, to, tally</c> are in scope, and <c>layer</c> where a kernel reads a vector of the file. Of experts also
/// <c>chosen</c>, which of the token's the kernel computes, and <c>number</c>, which of all that is.
/// </summary>
internal static class CpuCall
{
    /// <param name="arguments">Values of the kernel's parameters.</param>
    /// <param name="ofExperts">Whether each expert has slots and vectors of its own.</param>
    public static string Of(FeedForwardPlan plan, string weights, CpuKernelEmitter kernel, IReadOnlyList<string> arguments, bool ofExperts = false)
    {
        IEnumerable<string> own = kernel.Slots(plan.Shape).Select(slot => $"{slot.Variable}: ref {(ofExperts ? $"{slot.Name}(chosen)" : Buffer(slot))}")
            .Concat(kernel.Vectors(plan.Shape).Select(vector =>
                $"{vector.Variable}: ref MemoryMarshal.GetArrayDataReference(_program._layers[layer].{vector.Field}{(ofExperts ? "[number]" : "")})"))
            .Concat(kernel.Parameters.Select((parameter, i) => $"{parameter.Name}: {arguments[i]}"));
        return $"{plan.ClassName}.{kernel.Name}<TMeter>({weights}, slots, from, to, ref tally{string.Concat(own.Select(argument => ", " + argument))});";
    }

    /// <summary>Where a session has a policy's own slot: its first element.</summary>
    public static string Buffer(Slot slot) => $"_{slot.Variable}.Ref<float>()";
}
