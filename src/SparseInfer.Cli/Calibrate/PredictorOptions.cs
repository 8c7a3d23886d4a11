namespace SparseInfer.Cli.Calibrate;

/// <summary>What calibration makes that is no number a layer, and so has a file of its own.</summary>
internal enum PredictorKind
{
    /// <summary><c>[TruncatedSvdPredictor]</c>.</summary>
    TruncatedSvd,

    /// <summary><c>[ActivationThreshold(PerNeuron = true)]</c>.</summary>
    NeuronThresholds,

    /// <summary><c>[VocabularyPredictor]</c>.</summary>
    Vocabulary,
}

/// <summary>What a predictor's file is made of: safetensors.</summary>
internal sealed record PredictorOptions : ObservationOptions
{
    public required PredictorKind Kind { get; init; }

    /// <summary>Singular values, of what is made by a decomposition.</summary>
    public int Rank { get; init; }

    /// <summary>
    /// The share of a layer's neurons that is skipped: with SVD on activations with zeros, of those that are zero (SVDP's s; 0.1 less in the first two layers).
    /// Null: half of the neurons; 0.9 of those that are zero.
    /// </summary>
    public double? Share { get; init; }
}
