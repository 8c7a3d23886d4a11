using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Calibrate;

/// <summary>What calibration makes that is no number a layer, and so has a file of its own.</summary>
internal enum PredictorKind
{
    /// <summary><c>[TruncatedSvdPredictor]</c>.</summary>
    TruncatedSvd,

    /// <summary><c>[ActivationThreshold(PerNeuron = true)]</c>.</summary>
    NeuronThresholds,
}

/// <summary>What a predictor's file is made of.</summary>
internal sealed record PredictorOptions
{
    public required FileRequest File { get; init; }

    /// <summary>A UTF-8 text file.</summary>
    public required string TextFile { get; init; }

    public required PredictorKind Kind { get; init; }

    /// <summary>Singular values, of <see cref="PredictorKind.TruncatedSvd"/>.</summary>
    public int Rank { get; init; }

    /// <summary>
    /// The share of a layer's neurons that is skipped: with SVD on activations with zeros, of those that are zero (SVDP's s; 0.1 less in the first two layers).
    /// Null: half of the neurons; 0.9 of those that are zero.
    /// </summary>
    public double? Share { get; init; }

    /// <summary>The safetensors file to write.</summary>
    public required string Output { get; init; }

    /// <summary>Tokens of a window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Most tokens of the text.</summary>
    public int Tokens { get; init; } = 16384;

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>The windows, as evaluation has them.</summary>
    public EvalOptions Windows => new() { File = File, TextFile = TextFile, Window = Window, Tokens = Tokens };
}
