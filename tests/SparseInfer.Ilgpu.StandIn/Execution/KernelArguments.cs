namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>The arguments of one launch, a field each, shared by all its lanes.</summary>
public abstract class KernelArguments;
