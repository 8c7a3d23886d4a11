using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What a decoder launches: its passes, and the kernels that these need.</summary>
internal sealed class DecoderLaunches
{
    private readonly IlgpuDecoderPlan _plan;
    private readonly DeviceKernel[] _ofSession;

    public DecoderLaunches(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program)
    {
        _plan = plan;
        FeedForward = new(code, plan);
        Token = new(code, plan, program);
        Prompt = new(code, plan, program, FeedForward);
        Together = plan.DecodesTogether ? new(code, plan, program, FeedForward) : null;
        _ofSession = [.. Own(Token.Launches.Concat(Prompt.Launches))];
        KernelsTogether = Together is null ? []
            : [.. Own(Together.Launches).Where(kernel => _ofSession.All(other => other.Name != kernel.Name))];
    }

    /// <summary>For who counts launches, and writes none.</summary>
    public DecoderLaunches(IlgpuDecoderPlan plan)
        : this(new CodeWriter(), plan, ModelProgram.Of(plan.Spec).Unobserved)
    {
    }

    public FeedForwardTogether FeedForward { get; }

    public TokenPass Token { get; }

    public PromptPass Prompt { get; }

    /// <summary>Null: no sequences are decoded together.</summary>
    public TogetherPass? Together { get; }

    /// <summary>Kernels beside those of feed-forwards: what a session launches.</summary>
    public IEnumerable<DeviceKernel> Kernels => _ofSession.Where(kernel => !kernel.NeedsTensorCores);

    /// <summary>Those that are loaded on devices with tensor cores only.</summary>
    public IEnumerable<DeviceKernel> TensorCoreKernels => _ofSession.Where(kernel => kernel.NeedsTensorCores);

    /// <summary>Those that are loaded with the first batch of sequences.</summary>
    public IReadOnlyList<DeviceKernel> KernelsTogether { get; }

    /// <summary>
    /// The decoder's own kernels, none twice, as its file has them: matrices type by type, attention, norms, feed-forwards type by type, and the
    /// rest.
    /// </summary>
    private IEnumerable<DeviceKernel> Own(IEnumerable<Launch> launches) => launches
        .SelectMany(launch => launch.Kernels.Select(launched => launched.Kernel).OfType<DeviceKernel>().Select(kernel => (launch.Operation, Kernel: kernel)))
        .GroupBy(pair => pair.Kernel.Name)
        .Select(group => group.First())
        .OrderBy(pair => Place(pair.Operation, pair.Kernel))
        .ThenBy(pair => _plan.Spec.Weights.ToList().IndexOf(pair.Kernel.Weights ?? _plan.Spec.Weights[0]))
        .Select(pair => pair.Kernel);

    /// <summary>Where a file has a kernel: by what it computes; kernels of a matrix without a weight type compute what comes after the head.</summary>
    private static int Place(Operation operation, DeviceKernel kernel) => operation switch
    {
        Embed or Project => kernel.Weights is null ? 6 : 0,
        Attend => 1,
        Norm or NormAttended => 2,
        AddResidual => 3,
        Neurons or NormNeurons or Down or SumSlices => 4,
        Rotate => 5,
        _ => 7,
    };
}
