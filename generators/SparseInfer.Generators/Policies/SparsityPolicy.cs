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
}
