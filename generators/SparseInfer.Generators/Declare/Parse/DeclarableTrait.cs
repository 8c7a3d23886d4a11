namespace SparseInfer.Generators.Declare;

/// <summary>A trait of a model as declarations name it: by an attribute on the model's class. What comes of it is no matter of theirs.</summary>
internal abstract class DeclarableTrait
{
    /// <summary>Full metadata name of the attribute that declares it.</summary>
    public abstract string AttributeName { get; }

    /// <summary>Reads what the attribute says; called only on declarations that broke no rule.</summary>
    public abstract TraitSpec Parse(DeclaredAttribute attribute);
}
