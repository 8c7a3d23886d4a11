namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q4_K.</summary>
internal sealed class Q4_KWriter() : SixBitScaleWriter(blockBytes: 144, excess: 8);
