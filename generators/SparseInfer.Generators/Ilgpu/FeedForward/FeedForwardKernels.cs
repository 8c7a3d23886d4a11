using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>The kernels of a decoder's feed-forward in one weight type, as launches know them.</summary>
internal sealed class FeedForwardKernels(ModelSpec spec, IlgpuFeedForwardPlan plan)
{
    private readonly IReadOnlyList<IlgpuKernelEmitter> _policies =
        plan.Shape.ByChannels ? [] : IlgpuKernelEmitter.Set.For(plan.Shape, spec.Policies.Select(policy => IlgpuKernelEmitter.Set.Of(policy.Policy)));

    /// <summary>A token's, from prediction to down: one for each policy, and in how many layers a mode launches it.</summary>
    public IEnumerable<LaunchedKernel> Fused => Launched(_policies, policy => Name(FusedKernel.Name(policy, metered: false, HasDown), plan.Threads));

    /// <summary>Whether a token's kernel goes on to down.</summary>
    private bool HasDown => !InputChannels.AreOfDown(spec);

    /// <summary>What policies launch before their kernels.</summary>
    public IEnumerable<LaunchedKernel> Inputs => Launched(_policies.Where(policy => Input(policy) is not null), policy => Name(Input(policy)!.Name, Input(policy)!.Threads));

    /// <summary>A token's gates, where all of them are there before any is activated.</summary>
    public KernelName Gates => Name(Cuts.Gates());

    /// <summary>Where tokens' gates are cut.</summary>
    public KernelName Cut => Name(Cuts.Cut());

    /// <summary>The gates of several tokens together.</summary>
    public KernelName GatesTogether => Name(TogetherKernel.GatesName, TogetherPlan.Threads);

    private CutKernels Cuts => new(new CodeWriter(), plan, several: true);

    private DeviceKernel? Input(IlgpuKernelEmitter policy) => policy.Input(new CodeWriter(), plan);

    /// <summary>A token's up to its activations, for a down of another weight type.</summary>
    private IEnumerable<KernelName> Apart => !IlgpuDecoderPlan.MixesDown(spec) || !HasDown ? [] : _policies.SelectMany(policy => new[] { false, true }.Select(
        metered => Name(FusedKernel.Name(policy, metered, hasDown: false), plan.Threads)));

    /// <summary>Those of several tokens together, up to their activations.</summary>
    public IEnumerable<LaunchedKernel> Together => Launched(_policies, policy => Name(TogetherKernel.Name(policy), TogetherPlan.Threads));

    public KernelName DownTogether => Name(TogetherDownKernel.Name, new TogetherPlan(plan).DownThreads);

    /// <summary>How many of a token's neurons are not zero, where they are counted once all are there.</summary>
    public KernelName Count => Name(CountKernel.Name, CountKernel.Threads);

    /// <summary>What a prompt's products of gate and up become.</summary>
    public KernelName ActivateBatch => Name(FeedForwardIlgpuClass.ActivateBatchName, FeedForwardIlgpuClass.BatchThreads);

    /// <summary>All that the class holds: those that count, and those that no pass of this decoder launches, too.</summary>
    public IEnumerable<KernelName> All =>
    [
        .. Inputs.Select(kernel => kernel.Kernel),
        .. plan.Shape.NeedsAllGates ? [Gates, Cut] : Array.Empty<KernelName>(),
        .. plan.Shape.NeedsAllGates && ComputesTogether ? [GatesTogether] : Array.Empty<KernelName>(),
        .. Fused.Select(kernel => kernel.Kernel),
        .. _policies.Select(policy => Name(FusedKernel.Name(policy, metered: true, HasDown), plan.Threads)),
        .. Apart,
        .. ComputesTogether ? Together.Select(kernel => kernel.Kernel) : [],
        .. ComputesTogether || IlgpuDecoderPlan.MixesDown(spec) || !HasDown || plan.Shape.ByChannels ? [DownTogether] : Array.Empty<KernelName>(),
        .. plan.Shape.ByChannels || !HasDown ? [Count] : Array.Empty<KernelName>(),
        .. plan.OfExperts ? Array.Empty<KernelName>() : [ActivateBatch],
    ];

    /// <summary>Experts' groups have one token each, however many there are.</summary>
    private bool ComputesTogether => plan.ComputesTogether && !plan.OfExperts;

    private KernelName Name(DeviceKernel kernel) => Name(kernel.Name, kernel.Threads);

    private KernelName Name(string kernel, int threads) => new(plan.ClassName, kernel, threads);

    /// <summary>A file may store any of the declared types; launches are counted for the first.</summary>
    private IEnumerable<LaunchedKernel> Launched(IEnumerable<IlgpuKernelEmitter> policies, Func<IlgpuKernelEmitter, KernelName> name) => policies.Select(policy =>
    {
        int Layers(SparsityMode mode) => plan.Weights != spec.FeedForwardTypes[0] ? 0
            : DeviceCost.Kernels(spec, plan, mode).Where(used => ReferenceEquals(used.Kernel, policy)).Sum(used => used.Layers);
        return new LaunchedKernel(name(policy), Layers(SparsityMode.Dense), Layers(SparsityMode.Exact), Layers(SparsityMode.Predicted));
    });
}
