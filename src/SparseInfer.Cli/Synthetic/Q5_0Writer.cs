namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q5_0.</summary>
internal sealed class Q5_0Writer() : FiveBitWriter(halves: 1);
