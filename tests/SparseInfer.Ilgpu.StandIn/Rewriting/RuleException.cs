namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>A kernel is written in a way that cannot be rewritten, or that ILGPU does not compile.</summary>
internal sealed class RuleException(string message) : Exception(message);
