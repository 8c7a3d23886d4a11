namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q5_K.</summary>
internal sealed class Q5_KWriter() : SixBitScaleWriter(blockBytes: 176, excess: 16);
