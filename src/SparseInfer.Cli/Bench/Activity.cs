namespace SparseInfer.Cli.Bench;

/// <summary>What the meters counted in one mode, over all layers.</summary>
/// <param name="SparsityTrue">Share of neurons that were inactive.</param>
/// <param name="SparsityPredicted">Share that was predicted inactive; null where nothing predicts.</param>
/// <param name="Precision">Of those, the share that was inactive.</param>
/// <param name="Recall">Of the inactive, the share that was predicted.</param>
/// <param name="FeedForwardBytes">Bytes of weights and signs that a token's feed-forwards read.</param>
/// <param name="SkippedProjectionBytes">Bytes of attention's projections that a token does not read, since it leaves out channels of their input.</param>
/// <param name="HeadBytes">Bytes of the head, and of what predicts words, that a token reads; null where no policy looks at them: it reads the whole head.</param>
internal sealed record Activity(
    double? SparsityTrue, double? SparsityPredicted, double? Precision, double? Recall, double FeedForwardBytes, double SkippedProjectionBytes, double? HeadBytes)
{
    /// <summary>Share of heads, of all layers, that a token does not attend with: keys and values that it does not read.</summary>
    public double SkippedHeads { get; init; }

    /// <summary>Adds a metered session's layers up.</summary>
    public static Activity Of(Session session)
    {
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        double head = session.ReadVocabularyMetrics().BytesPerToken;
        double inactive = layers.Sum(layer => layer.ActualSparsity);
        double predicted = layers.Sum(layer => layer.PredictedSparsity);
        double right = layers.Where(layer => layer.PredictedSparsity > 0).Sum(layer => layer.PredictedSparsity * layer.Precision);
        return new Activity(
            inactive / layers.Count,
            predicted > 0 ? predicted / layers.Count : null,
            predicted > 0 ? right / predicted : null,
            predicted > 0 && inactive > 0 ? right / inactive : null,
            layers.Sum(layer => layer.BytesPerToken),
            layers.Where(layer => !double.IsNaN(layer.SkippedProjectionBytesPerToken)).Sum(layer => layer.SkippedProjectionBytesPerToken),
            double.IsNaN(head) ? null : head)
        {
            SkippedHeads = layers.Average(layer => double.IsNaN(layer.SkippedHeads) ? 0 : layer.SkippedHeads),
        };
    }
}
