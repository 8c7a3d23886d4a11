using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>The kernels that one shape and weight type needs.</summary>
/// <param name="Policies">Attribute names, sorted.</param>
/// <param name="Batches">Whether a model processes prompts with it.</param>
/// <param name="Alone">Whether a layer that stands alone uses it.</param>
internal sealed record KernelRequest(FeedForwardPlan Plan, EquatableArray<string> Policies, bool Batches, bool Alone)
{
    public static EquatableArray<KernelRequest> Of(ModelSpec spec) =>
        Of(spec.FeedForward, spec.Weights, spec.Policies.Select(policy => policy.Policy), batches: true);

    public static EquatableArray<KernelRequest> Of(LayerSpec spec) => Of(spec.FeedForward, spec.Weights, [spec.Policy], batches: false);

    /// <summary>One request a shape and type, with the policies of all who asked.</summary>
    public static IEnumerable<KernelRequest> Merge(IEnumerable<KernelRequest> requests) => requests
        .GroupBy(request => request.Plan)
        .OrderBy(group => group.Key.ClassName, System.StringComparer.Ordinal)
        .Select(group => new KernelRequest(
            group.Key,
            Sorted(group.SelectMany(request => request.Policies)),
            group.Any(request => request.Batches),
            group.Any(request => request.Alone)));

    private static EquatableArray<KernelRequest> Of(
        FeedForwardSpec shape, IEnumerable<WeightType> weights, IEnumerable<PolicySpec> policies, bool batches)
    {
        EquatableArray<string> names = Sorted(policies.Select(policy => PolicyRegistry.For(policy).AttributeName));
        return weights.Select(type => new KernelRequest(Planner.FeedForward(shape, type), names, batches, !batches)).ToEquatableArray();
    }

    private static EquatableArray<string> Sorted(IEnumerable<string> names) =>
        names.Distinct().OrderBy(name => name, System.StringComparer.Ordinal).ToEquatableArray();
}

/// <summary>The kernels that one model needs, and the device that they are planned for.</summary>
internal sealed record ModelKernelRequest(string Device, EquatableArray<KernelRequest> Kernels);

/// <summary>The kernels that one shape and weight type needs on one device.</summary>
internal sealed record DeviceKernelRequest(string Device, KernelRequest Kernel)
{
    /// <summary>One request a device, shape and type.</summary>
    public static IEnumerable<DeviceKernelRequest> Merge(IEnumerable<ModelKernelRequest> models) => models
        .GroupBy(model => model.Device, System.StringComparer.Ordinal)
        .OrderBy(group => group.Key, System.StringComparer.Ordinal)
        .SelectMany(group => KernelRequest.Merge(group.SelectMany(model => model.Kernels))
            .Select(kernel => new DeviceKernelRequest(group.Key, kernel)));
}
