using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies;

/// <summary>
/// One way to skip neurons: what its attribute says, what it has to keep, what it emits. A policy is a folder beside this
/// file and a line in <see cref="PolicyRegistry"/>; nothing else in the generator names one.
/// </summary>
internal abstract class SparsityPolicy : DeclarablePolicy
{
    /// <summary>What its attribute must keep beyond the rules that hold for every policy.</summary>
    public virtual IReadOnlyList<DeclarationRule> Rules => [];

    /// <summary>Whether <paramref name="spec"/> is this policy's.</summary>
    public abstract bool Owns(PolicySpec spec);

    /// <summary>Its name and parameter in a word or two, for a table's cell: <c>sign-bit 1.03</c>.</summary>
    public abstract string Label(PolicySpec spec);

    /// <summary>What it emits for the CPU.</summary>
    public abstract CpuKernelEmitter Cpu { get; }

    /// <summary>What it emits for GPUs.</summary>
    public abstract IlgpuKernelEmitter Ilgpu { get; }
}
