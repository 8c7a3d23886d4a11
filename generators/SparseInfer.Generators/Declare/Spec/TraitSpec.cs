namespace SparseInfer.Generators.Declare;

/// <summary>
/// What one attribute says of how a model differs from a plain decoder. Each trait has its own record in its own folder; the record rewrites the
/// program.
/// </summary>
internal abstract record TraitSpec
{
    /// <summary>What it does, in some words, for the head comment.</summary>
    public abstract string Describe();

    /// <summary>What loading compares with a file: numbers that are other than a plain decoder's.</summary>
    public virtual IEnumerable<TraitNumber> Numbers => [];
}

/// <summary>A number that an attribute declares.</summary>
/// <param name="Attribute">The attribute, as users write it.</param>
internal sealed record TraitNumber(string Attribute, string Property, float Value);
