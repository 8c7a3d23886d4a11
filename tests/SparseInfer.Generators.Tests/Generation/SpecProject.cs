using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Parts;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>What the generator would write for specs that nobody can declare: policies and traits of the tests.</summary>
internal static class SpecProject
{
    /// <param name="sources">Declarations of the classes.</param>
    /// <param name="specs">What they stand for.</param>
    /// <param name="ilgpu">Whether there are programs for GPUs.</param>
    public static CSharpCompilation Of(IEnumerable<string> sources, IReadOnlyList<ModelSpec> specs, bool ilgpu = false)
    {
        IEnumerable<string> files =
        [
            .. sources,
            .. specs.Select(spec => ModelClass.Emit(spec, ilgpu)),
            .. specs.Select(spec => new DecoderClass(DecoderPlan.Of(spec)).Emit()),
            .. KernelRequest.Merge(specs.SelectMany(spec => KernelRequest.Of(spec, CpuKernelEmitter.Set))).Select(request => new FeedForwardClass(
                FeedForwardPlan.Of(request.Shape, request.Downs), CpuKernelEmitter.Set.For(request.Shape, request.Kernels), request.Batches).Emit()),
            .. ilgpu ? OfGpu(specs) : [],
        ];
        CSharpCompilation project = GeneratedProject.Compilation([.. files]);
        return ilgpu ? project.WithIlgpu() : project;
    }

    private static IEnumerable<string> OfGpu(IReadOnlyList<ModelSpec> specs) =>
    [
        AssemblyPart.Emit(),
        .. specs.Select(spec => new IlgpuDecoderClass(IlgpuDecoderPlan.Of(spec)).Emit()),
        .. DeviceKernelRequest.Merge(specs.Select(ModelKernelRequest.Of)).Select(request => new FeedForwardIlgpuClass(request.Plan, request.Kernel).Emit()),
    ];
}
