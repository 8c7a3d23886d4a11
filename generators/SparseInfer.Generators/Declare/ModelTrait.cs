namespace SparseInfer.Generators.Declare;

/// <summary>
/// One way in which families of models differ from a plain decoder: what its attribute says and what that has to keep. The spec that is read
/// rewrites the program. A trait is a folder in <c>Traits</c> and a line in <c>TraitRegistry</c>; nothing else in the generator names one.
/// </summary>
internal abstract class ModelTrait : DeclarableTrait
{
    /// <summary>What its attribute must keep.</summary>
    public virtual IReadOnlyList<DeclarationRule> Rules => [];
}
