namespace SparseInfer.Generators.Declare;

/// <summary>
/// What one attribute says of how a model differs from a plain decoder. Each trait has its own record in its own folder; the record rewrites the
/// program.
/// </summary>
internal abstract record TraitSpec
{
    /// <summary>What it does, in some words, for the head comment.</summary>
    public abstract string Describe();
}
