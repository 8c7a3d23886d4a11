using SparseInfer.Sampling;

namespace SparseInfer;

/// <summary>What one step of a <see cref="Generation"/> gives, before the sequence has it: <see cref="Generation.HandOut"/>.</summary>
/// <param name="Text">Whole characters; may be empty.</param>
/// <param name="Tokens">Held tokens that join the sequence with it, from the first on.</param>
/// <param name="Part">Where a stop string ended the text inside a token: the tokens of the text before it, in place of those still held.</param>
/// <param name="Scores">How probable those tokens were, where <see cref="GenerationView.LogProbs"/> asks for it; else null.</param>
/// <param name="After">How far the generation is with it.</param>
internal readonly record struct GenerationPiece(string Text, int Tokens, int[]? Part, TokenScore[]? Scores, GenerationProgress After)
{
    /// <summary>Whether it changes neither what was shown nor the sequence.</summary>
    public bool IsNothing => Text.Length == 0 && Tokens == 0 && Part is null;
}

/// <summary>How far a <see cref="Generation"/> is: what its report says, but for the prompt.</summary>
/// <param name="Count">Tokens of the sequence, held ones included.</param>
/// <param name="Computed">How many of them were computed.</param>
/// <param name="Generated">As <see cref="GenerationReport.GeneratedTokens"/>.</param>
/// <param name="Decoded">As <see cref="GenerationReport.DecodedTokens"/>.</param>
/// <param name="DecodeTicks">As <see cref="GenerationReport.DecodeTime"/>.</param>
/// <param name="HeldText">As <see cref="GenerationReport.HeldText"/>.</param>
/// <param name="EndToken">As <see cref="GenerationReport.EndToken"/>.</param>
/// <param name="Reason">Why it ended; null: it goes on.</param>
internal readonly record struct GenerationProgress(
    int Count, int Computed, int Generated, int Decoded, long DecodeTicks, string HeldText, int? EndToken, StopReason? Reason);
