namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q5_1.</summary>
internal sealed class Q5_1Writer() : FiveBitWriter(halves: 2);
