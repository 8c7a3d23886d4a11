using SparseInfer.Sampling;

namespace SparseInfer.Serving;

/// <summary>The form that an answer has to have.</summary>
/// <param name="Grammar">Its grammar, thoughts and calls of tools included; null: any text.</param>
/// <param name="Thinking">Whether thoughts come first.</param>
internal readonly record struct AnswerForm(Grammar? Grammar, Thinking Thinking);

/// <summary>Whether a model thinks before it answers.</summary>
internal enum Thinking
{
    /// <summary>It does not, or no form is asked for.</summary>
    None,

    /// <summary>It may: its template knows thoughts, and the prompt has not ended them.</summary>
    May,

    /// <summary>It does: the prompt ends with the tag that opens thoughts.</summary>
    Does,
}
