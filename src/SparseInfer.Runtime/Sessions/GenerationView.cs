namespace SparseInfer;

/// <summary>What somebody wants to see of a <see cref="Generation"/> beside its text.</summary>
internal sealed record GenerationView
{
    /// <summary>How many of the most probable tokens are scored with each token; null: none is scored.</summary>
    public int? LogProbs { get; init; }

    /// <summary>Control tokens that show in the text, and how they are spelled there; the others are none of it.</summary>
    public IReadOnlyDictionary<int, string> Spelled { get; init; } = new Dictionary<int, string>();

    /// <summary>Gets the hidden states of the prompt's tokens, in place of anything generated after it; null: it goes on with the prompt.</summary>
    public HiddenPool? Hidden { get; init; }

    /// <summary>Whether no call can go on from its end, so that nothing is held back there but half of a character.</summary>
    public bool IsWhole { get; init; }
}
