namespace SparseInfer.Generators.Declare;

/// <summary>A rule about the profile of a class. Where it cannot be used, only such rules are asked: what the others look at is not known.</summary>
internal abstract class ProfileRule : DeclarationRule
{
    public sealed override IEnumerable<Violation> Check(Declaration declaration) => declaration.Profile is { } profile ? Check(profile) : [];

    /// <summary>Every place where the profile breaks the rule.</summary>
    protected abstract IEnumerable<Violation> Check(DeclaredProfile profile);
}
