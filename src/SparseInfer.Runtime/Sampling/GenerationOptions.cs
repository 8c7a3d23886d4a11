using SparseInfer.Sampling;

namespace SparseInfer;

/// <summary>
/// How a text is generated: how long it gets, when it stops, and how the next token is chosen. The defaults are llama.cpp's, but for the
/// length.
/// </summary>
/// <remarks>
/// A token is chosen in llama.cpp's order: penalties, <see cref="TopK"/>, <see cref="TopP"/>, <see cref="MinP"/>, then
/// <see cref="Temperature"/> on what is left, then a draw. The temperature therefore never changes which tokens are candidates.
/// </remarks>
public sealed record GenerationOptions
{
    /// <summary>The greatest <see cref="RepetitionWindow"/>.</summary>
    public const int MaximumRepetitionWindow = 1 << 20;

    /// <summary>The most tokens to generate in one call; at least 1.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// What the logits are divided by before the draw: 0 always takes the most probable token (greedy), 1 leaves the model's
    /// distribution.
    /// </summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Keep this many of the most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Keep the fewest most probable tokens whose probabilities sum to at least this; 1 keeps all.</summary>
    public double TopP { get; init; } = 0.95;

    /// <summary>Keep tokens at least this many times as probable as the most probable one; 0 keeps all.</summary>
    public double MinP { get; init; } = 0.05;

    /// <summary>
    /// Makes tokens of the last <see cref="RepetitionWindow"/> less probable: their logits are divided by this where positive, else
    /// multiplied; 1 is off, below 1 favours repetition.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>What is taken off the logits of tokens of the last <see cref="RepetitionWindow"/>, -2 to 2; 0 is off. After <see cref="RepetitionPenalty"/>.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>The same, times how often the token is among them.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>How many of the sequence's last tokens, prompts and earlier calls included, are penalized; 0 is none.</summary>
    public int RepetitionWindow { get; init; } = 64;

    /// <summary>
    /// What the random draws start from; null takes another number each time. One seed and the same logits give the same tokens
    /// everywhere. The n-th token after a prompt takes the n-th draw: a call with an empty prompt goes on with the draws of the call before.
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>
    /// Texts that end the generation; neither they nor what follows is returned. They may begin in one call and end in the next one, if its
    /// prompt is empty.
    /// </summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>
    /// The form of the text; null: any. Tokens that would leave it are not chosen; a token that ends the text is where the text may end, and where nothing may follow it ends by
    /// itself (<see cref="StopReason.GrammarEnd"/>). The text of a call with an empty prompt goes on in the grammar where the call before ended. Log-probabilities are those
    /// that the model gave. <see cref="StopStrings"/> end the text wherever they come.
    /// </summary>
    public Grammar? Grammar { get; init; }

    /// <summary>Whether to go on to <see cref="MaxTokens"/> past an end of the sequence, as benchmarks do.</summary>
    public bool IgnoreEndOfSequence { get; init; }

    /// <summary>Checks every property.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range; the message has its name, range and value.</exception>
    public void Validate()
    {
        Check(MaxTokens >= 1, nameof(MaxTokens), MaxTokens, "at least 1");
        Check(Temperature >= 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "a finite number, at least 0");
        Check(TopK >= 0, nameof(TopK), TopK, "at least 0 (0 keeps all tokens)");
        Check(TopP is >= 0 and <= 1, nameof(TopP), TopP, "from 0 to 1");
        Check(MinP is >= 0 and <= 1, nameof(MinP), MinP, "from 0 to 1");
        Check(RepetitionPenalty is >= 0.01 and <= 100, nameof(RepetitionPenalty), RepetitionPenalty, "from 0.01 to 100 (1 is off)");
        Check(PresencePenalty is >= -2 and <= 2, nameof(PresencePenalty), PresencePenalty, "from -2 to 2 (0 is off)");
        Check(FrequencyPenalty is >= -2 and <= 2, nameof(FrequencyPenalty), FrequencyPenalty, "from -2 to 2 (0 is off)");
        Check(
            RepetitionWindow is >= 0 and <= MaximumRepetitionWindow,
            nameof(RepetitionWindow),
            RepetitionWindow,
            $"from 0 to {MaximumRepetitionWindow}");
        Check(StopStrings is not null, nameof(StopStrings), StopStrings, "a list, possibly empty");
        Check(!StopStrings!.Any(string.IsNullOrEmpty), nameof(StopStrings), StopStrings, "a list without null or empty strings");
    }

    /// <summary>Every property, in the invariant culture.</summary>
    public override string ToString() => RecordText.Of(
        nameof(GenerationOptions),
        (nameof(MaxTokens), MaxTokens),
        (nameof(Temperature), Temperature),
        (nameof(TopK), TopK),
        (nameof(TopP), TopP),
        (nameof(MinP), MinP),
        (nameof(RepetitionPenalty), RepetitionPenalty),
        (nameof(PresencePenalty), PresencePenalty),
        (nameof(FrequencyPenalty), FrequencyPenalty),
        (nameof(RepetitionWindow), RepetitionWindow),
        (nameof(Seed), Seed),
        (nameof(StopStrings), StopStrings),
        (nameof(Grammar), Grammar),
        (nameof(IgnoreEndOfSequence), IgnoreEndOfSequence));

    private static void Check(bool valid, string property, object? value, string range)
    {
        if (!valid)
        {
            throw new ArgumentOutOfRangeException(property, value, $"{property} must be {range}.");
        }
    }
}
