using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Matrices whose packed signs some layer reads, and which layers do.</summary>
internal static class SignReaders
{
    public static IEnumerable<(string Matrix, LayerSet Layers)> Of(ModelSpec spec, IlgpuFeedForwardPlan plan) => spec.Policies
        .SelectMany(policy => IlgpuKernelEmitter.Set.Of(policy.Policy).Signs(plan))
        .Distinct()
        .Select(matrix => (matrix, new LayerSet(spec, policy => IlgpuKernelEmitter.Set.Of(policy).Signs(plan).Contains(matrix))));
}
