using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies;

/// <summary>
/// One way to skip neurons: what its attribute says, what it asks of the plan, what it emits. A policy is a folder beside this
/// file and a line in <see cref="PolicyRegistry"/>; nothing else in the generator names one.
/// </summary>
internal abstract class SparsityPolicy
{
    /// <summary>Full metadata name of the attribute that declares it.</summary>
    public abstract string AttributeName { get; }

    /// <summary>The attribute as a user writes it, without the suffix.</summary>
    public string DisplayName => AttributeName.Substring(AttributeName.LastIndexOf('.') + 1).Replace("Attribute", "");

    /// <summary>What its attribute must keep beyond the rules that hold for every policy.</summary>
    public virtual IReadOnlyList<DeclarationRule> Rules => [];

    /// <summary>Reads what the attribute says; called only on declarations that broke no rule.</summary>
    public abstract PolicySpec Parse(DeclaredAttribute attribute);
}
