namespace SparseInfer;

/// <summary>What a trained predictor of neurons reads. Predictors are right only on what they were trained with.</summary>
public enum PredictorInput
{
    /// <summary>The residual stream before the feed-forward's norm, as in PowerInfer's files.</summary>
    Residual = 1,

    /// <summary>What the neurons themselves read: the residual stream, normalised, as Deja Vu's and SVDP's predictors do.</summary>
    Normed,
}
