namespace SparseInfer.Generators.Program;

/// <summary>What a program asks of a <see cref="Declare.PolicySpec"/> that chooses which words get a logit.</summary>
internal interface IVocabularyPolicy
{
    /// <param name="sizes">The model's.</param>
    WordChoice Choose(Dimensions sizes);
}

/// <summary>
/// Which words the head computes in Predicted mode: those whose score is above a threshold, or all where none is. The others' logits are minus infinity.
/// Scores are computed where the logits go, and these take their place.
/// </summary>
/// <param name="Summary">What scores are, for a comment of generated code.</param>
/// <param name="First">The factors, of the normed output.</param>
/// <param name="Second">The scores, of the factors.</param>
/// <param name="Threshold">As C#.</param>
internal sealed record WordChoice(string Summary, Project First, Project Second, string Threshold)
{
    /// <summary>A word for each worker in turn, so many at a time: words that are likely lie together, and workers shall have as many of them.</summary>
    public const int BlockWords = 256;

    public IReadOnlyList<Project> Projects => [First, Second];

    public IEnumerable<Tensor> Tensors => Projects.SelectMany(project => project.Tensors);

    /// <summary>The same where launches are told by the policy that asks for them: once a token.</summary>
    public WordChoice OfPolicy()
    {
        var use = new PolicyUse(Summary, LayerSet.Once);
        return this with { First = First with { Policy = use }, Second = Second with { Policy = use } };
    }
}
