namespace SparseInfer.Generators.Declare;

/// <summary>
/// One way to skip part of the work, mostly neurons: what its attribute says and what that has to keep. The spec that is read leads to what is emitted. A policy is a folder
/// in <c>Policies</c> and a line in <c>PolicyRegistry</c>; nothing else in the generator names one.
/// </summary>
internal abstract class SparsityPolicy : DeclarablePolicy
{
    /// <summary>What its attribute must keep beyond the rules that hold for every policy.</summary>
    public virtual IReadOnlyList<DeclarationRule> Rules => [];
}
