using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>The kernels that one shape and weight type needs of a backend.</summary>
/// <param name="Downs">Types that its down matrix may have: a file may store it in another type than what its input is dotted with.</param>
/// <param name="Kernels">Of policies, by name.</param>
/// <param name="Batches">Whether a model processes prompts with it.</param>
/// <param name="Alone">Whether a layer that stands alone uses it.</param>
internal sealed record KernelRequest<TKernel>(
    KernelShape Shape, EquatableArray<WeightType> Downs, EquatableArray<TKernel> Kernels, bool Batches, bool Alone)
    where TKernel : PolicyKernel
{
    /// <summary>Whether a model may store down in another type.</summary>
    public bool Mixes => Batches && Downs.Count > 1;

    /// <summary>Whether a model looks at its neurons once all of a token's are there, before down.</summary>
    public bool LooksAtNeurons { get; init; }

    /// <summary>Whether one does not.</summary>
    public bool LooksAtNone { get; init; } = true;
}

/// <summary>What models and layers ask for. Those that share a shape share its kernels.</summary>
internal static class KernelRequest
{
    public static EquatableArray<KernelRequest<TKernel>> Of<TKernel>(ModelSpec spec, KernelSet<TKernel> set)
        where TKernel : PolicyKernel =>
        Of(spec.FeedForward, spec.FeedForwardTypes, spec.Policies.Select(policy => policy.Policy), set, batches: true, InputChannels.AreOfNeurons(spec), InputChannels.AreOfDown(spec));

    public static EquatableArray<KernelRequest<TKernel>> Of<TKernel>(LayerSpec spec, KernelSet<TKernel> set)
        where TKernel : PolicyKernel =>
        Of(spec.FeedForward, spec.Weights, [spec.Policy], set, batches: false);

    /// <summary>One request a shape and type, with the kernels of all who asked.</summary>
    public static IEnumerable<KernelRequest<TKernel>> Merge<TKernel>(IEnumerable<KernelRequest<TKernel>> requests)
        where TKernel : PolicyKernel => requests
        .GroupBy(request => request.Shape)
        .OrderBy(group => group.Key.ClassName, StringComparer.Ordinal)
        .Select(group => new KernelRequest<TKernel>(
            group.Key,
            group.SelectMany(request => request.Downs).Distinct().OrderBy(type => type).ToEquatableArray(),
            Sorted(group.SelectMany(request => request.Kernels)),
            group.Any(request => request.Batches),
            group.Any(request => request.Alone))
        {
            LooksAtNeurons = group.Any(request => request.LooksAtNeurons),
            LooksAtNone = group.Any(request => request.LooksAtNone),
        });

    private static EquatableArray<KernelRequest<TKernel>> Of<TKernel>(
        FeedForwardSpec spec, EquatableArray<WeightType> weights, IEnumerable<PolicySpec> policies, KernelSet<TKernel> set, bool batches, bool byChannels = false, bool looksAtNeurons = false)
        where TKernel : PolicyKernel
    {
        EquatableArray<TKernel> kernels = Sorted(policies.Select(set.Of));
        return weights.Select(type => new KernelRequest<TKernel>(new(spec, type) { ByChannels = byChannels }, weights, kernels, batches, !batches)
        {
            LooksAtNeurons = looksAtNeurons,
            LooksAtNone = !looksAtNeurons,
        }).ToEquatableArray();
    }

    private static EquatableArray<TKernel> Sorted<TKernel>(IEnumerable<TKernel> kernels)
        where TKernel : PolicyKernel =>
        kernels.Distinct().OrderBy(kernel => kernel.Name, StringComparer.Ordinal).ToEquatableArray();
}
