namespace SparseInfer.Cli.Eval;

/// <summary>
/// PPL-p% sparsity (Sparsing Law, arXiv 2411.02335): the largest sparsity whose perplexity is no more than p% above the dense model's.
/// The paper raises one cutoff over all layers; here a family of policies is what is raised, so that families can be compared.
/// </summary>
/// <param name="Policies">The attributes' names.</param>
/// <param name="SparsityTrue">Share of neurons that are inactive; null: no policy of the family stays within p%.</param>
/// <param name="SparsityPredicted">Share that is skipped unread.</param>
/// <param name="FfnBytesOfDense">Bytes of the feed-forwards, of the dense model's.</param>
/// <param name="BytesOfDense">Bytes of all weights and predictors, of the dense model's.</param>
/// <param name="IsBound">No row with less bytes and a finite perplexity lies beyond: a stronger policy might do better.</param>
internal sealed record PplSparsity(string Policies, double? SparsityTrue, double? SparsityPredicted, double? FfnBytesOfDense, double? BytesOfDense, bool IsBound)
{
    /// <summary>Of each family, between its policies that lie on either side of p%: linear in the logarithm of perplexity.</summary>
    /// <param name="runs">The dense model first.</param>
    /// <param name="share">p as a share, 0.01 for 1%.</param>
    public static IReadOnlyList<PplSparsity> Of(IReadOnlyList<EvaluationRun> runs, double share) =>
        [.. runs.Skip(1).GroupBy(run => run.Family).Select(family => Of(family.Key, [.. family.OrderByDescending(run => run.BytesOfDense)], Math.Log(1 + share)))];

    private static PplSparsity Of(string family, EvaluationRun[] ordered, double most)
    {
        int last = Array.FindLastIndex(ordered, run => Excess(run) <= most);
        if (last < 0)
        {
            return new(family, null, null, null, null, IsBound: false);
        }

        EvaluationRun within = ordered[last];
        if (last == ordered.Length - 1 || !double.IsFinite(Excess(ordered[last + 1])))
        {
            return new(family, within.SparsityTrue, within.SparsityPredicted, within.FfnBytesOfDense, within.BytesOfDense, IsBound: true);
        }

        EvaluationRun beyond = ordered[last + 1];
        double part = (most - Excess(within)) / (Excess(beyond) - Excess(within));
        return new(
            family, Between(run => run.SparsityTrue), Between(run => run.SparsityPredicted), Between(run => run.FfnBytesOfDense), Between(run => run.BytesOfDense), IsBound: false);

        double Between(Func<EvaluationRun, double> value) => value(within) + (part * (value(beyond) - value(within)));
    }

    /// <summary>Where a token of the text got no logit, perplexity is infinite: the one that is told is of the others.</summary>
    private static double Excess(EvaluationRun run) => run.RuledOut > 0 ? double.PositiveInfinity : Math.Log(run.PerplexityOfDense!.Value);
}
