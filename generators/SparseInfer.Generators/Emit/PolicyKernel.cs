using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Emit;

/// <summary>A policy's kernel on some backend. There is one object of each, and one kernel for all layers of a shape: what differs between layers is a parameter.</summary>
/// <param name="name">What the kernel is called.</param>
/// <param name="parameters">What differs between layers; <see cref="PolicySpec.Arguments"/> has the values.</param>
internal abstract class PolicyKernel(string name, params PolicyParameter[] parameters)
{
    public string Name => name;

    public IReadOnlyList<PolicyParameter> Parameters => parameters;

    /// <summary>What it reads of what its policy computed before: parameters too, called as slots are where they are variables.</summary>
    public virtual IReadOnlyList<Slot> Slots(KernelShape shape) => [];

    /// <summary>What it reads of the file, of its policy's phase: parameters too.</summary>
    public virtual IReadOnlyList<Tensor> Vectors(KernelShape shape) => [];
}

/// <summary>A backend's kernels: those that the modes have whatever is declared, and those of policies.</summary>
/// <param name="Dense">Computes every neuron.</param>
/// <param name="Exact">Skips what the activation leaves at zero.</param>
/// <param name="Of">A policy's.</param>
internal sealed record KernelSet<TKernel>(TKernel Dense, TKernel Exact, Func<PolicySpec, TKernel> Of)
    where TKernel : PolicyKernel
{
    /// <summary>Kernels of a shape: the modes' own, then what the policies that use the shape ask for, none twice.</summary>
    public IReadOnlyList<TKernel> For(KernelShape shape, IEnumerable<TKernel> used) =>
    [
        .. (shape.HasZeros ? new[] { Dense, Exact } : [Dense])
            .Concat(used.OrderBy(kernel => kernel.Name, StringComparer.Ordinal))
            .GroupBy(kernel => kernel.Name)
            .Select(group => group.First()),
    ];
}
