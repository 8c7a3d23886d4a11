using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The kernels that one model or layer needs, and the device that they are planned for.</summary>
/// <param name="NormsNeurons">Whether a norm stands between neurons and down.</param>
/// <param name="Experts">How many experts of a layer compute a token; 0: it has one feed-forward.</param>
internal sealed record ModelKernelRequest(
    string Device, EquatableArray<KernelRequest<IlgpuKernelEmitter>> Kernels, bool NormsNeurons = false, int Experts = 0)
{
    public static ModelKernelRequest Of(ModelSpec spec) => new(
        spec.Device, KernelRequest.Of(spec, IlgpuKernelEmitter.Set), IlgpuDecoderPlan.NormsInSum(spec), spec.Experts?.Active ?? 0);

    public static ModelKernelRequest Of(LayerSpec spec) => new(spec.Device, KernelRequest.Of(spec, IlgpuKernelEmitter.Set));
}

/// <summary>The kernels that one shape and weight type needs on one device.</summary>
internal sealed record DeviceKernelRequest(string Device, KernelRequest<IlgpuKernelEmitter> Kernel, bool NormsNeurons, int Experts)
{
    public IlgpuFeedForwardPlan Plan => IlgpuFeedForwardPlan.Of(Kernel.Shape, DeviceTable.Find(Device)!, NormsNeurons, Experts);

    /// <summary>One request a device, shape and type, with a norm and without, and number of experts.</summary>
    public static IEnumerable<DeviceKernelRequest> Merge(IEnumerable<ModelKernelRequest> models) => models
        .GroupBy(model => (model.Device, model.NormsNeurons, model.Experts))
        .OrderBy(group => group.Key.Device, StringComparer.Ordinal)
        .ThenBy(group => group.Key.NormsNeurons)
        .ThenBy(group => group.Key.Experts)
        .SelectMany(group => KernelRequest.Merge(group.SelectMany(model => model.Kernels))
            .Select(kernel => new DeviceKernelRequest(group.Key.Device, kernel, group.Key.NormsNeurons, group.Key.Experts)));
}
