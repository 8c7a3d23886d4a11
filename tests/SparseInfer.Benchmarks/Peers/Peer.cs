namespace SparseInfer.Benchmarks;

/// <summary>An engine, or one of its modes, with a model loaded: what is compared with others on the same work.</summary>
internal abstract class Peer
{
    /// <summary>Tokens that each of the sequences decoded together may have.</summary>
    public const int TogetherContext = 64;

    /// <summary>What its column is called.</summary>
    public abstract string Name { get; }

    /// <summary>Cuts the long sequence to so many tokens.</summary>
    public abstract void Rewind(int position);

    /// <summary>Appends a prompt to the long sequence, and has the logits of its last token.</summary>
    public abstract void Prompt(ReadOnlySpan<int> tokens);

    /// <summary>Empties the sequences that are decoded together.</summary>
    public abstract void RewindTogether();

    /// <summary>Appends a token to each of the first sequences that are decoded together, and has the logits of each.</summary>
    public abstract void Together(ReadOnlySpan<int> tokens);
}
