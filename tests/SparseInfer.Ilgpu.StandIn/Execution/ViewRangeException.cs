namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>A view, sub-view or cast that leaves its memory. Inside a kernel it becomes a <see cref="KernelFaultException"/>.</summary>
public sealed class ViewRangeException(string message) : Exception(message);
