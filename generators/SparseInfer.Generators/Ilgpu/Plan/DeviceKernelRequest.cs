using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The kernels that one model or layer needs, and the device that they are planned for.</summary>
internal sealed record ModelKernelRequest(string Device, EquatableArray<KernelRequest<IlgpuKernelEmitter>> Kernels)
{
    public static ModelKernelRequest Of(ModelSpec spec) => new(spec.Device, KernelRequest.Of(spec, IlgpuKernelEmitter.Set));

    public static ModelKernelRequest Of(LayerSpec spec) => new(spec.Device, KernelRequest.Of(spec, IlgpuKernelEmitter.Set));
}

/// <summary>The kernels that one shape and weight type needs on one device.</summary>
internal sealed record DeviceKernelRequest(string Device, KernelRequest<IlgpuKernelEmitter> Kernel)
{
    /// <summary>One request a device, shape and type.</summary>
    public static IEnumerable<DeviceKernelRequest> Merge(IEnumerable<ModelKernelRequest> models) => models
        .GroupBy(model => model.Device, StringComparer.Ordinal)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .SelectMany(group => KernelRequest.Merge(group.SelectMany(model => model.Kernels))
            .Select(kernel => new DeviceKernelRequest(group.Key, kernel)));
}
