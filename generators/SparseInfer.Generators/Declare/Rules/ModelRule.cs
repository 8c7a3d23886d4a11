namespace SparseInfer.Generators.Declare;

/// <summary>A rule about a model as a whole. A declaration that breaks another rule has no sizes to speak of: only others are looked at.</summary>
internal abstract class ModelRule : DeclarationRule
{
    public sealed override IEnumerable<Violation> Check(Declaration declaration) => [];

    /// <summary>Every place where a declaration that is otherwise sound breaks the rule. Never throws, whatever the user wrote.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="model">What it declares.</param>
    public abstract IEnumerable<Violation> Check(Declaration declaration, ModelSpec model);
}
