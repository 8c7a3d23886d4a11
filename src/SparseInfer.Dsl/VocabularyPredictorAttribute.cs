namespace SparseInfer;

/// <summary>
/// A sparse output head (SmallThinker, arXiv 2507.20984): two small matrices that the model's file brings score every word of the vocabulary, and only words
/// that score above a threshold get a logit; the others' is minus infinity. A policy of the model, not of layers. See docs/policies/vocabulary.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class VocabularyPredictorAttribute : Attribute
{
    /// <summary>Rows of the first matrix, which is [rank, hidden]; columns of the second, which is [vocabulary, rank]. Must be set.</summary>
    public int Rank { get; set; }

    /// <summary>A word gets a logit iff its score is above; finite. Larger skips more.</summary>
    public float Threshold { get; set; }
}
