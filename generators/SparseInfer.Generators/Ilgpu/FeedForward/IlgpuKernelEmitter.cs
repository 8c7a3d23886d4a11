using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What the GPU's backend asks of a <see cref="PolicySpec"/>.</summary>
internal interface IIlgpuPolicy
{
    IlgpuKernelEmitter Ilgpu { get; }
}

/// <summary>What a policy emits for GPUs: its part of the fused kernel.</summary>
internal abstract class IlgpuKernelEmitter(string name, params PolicyParameter[] parameters) : PolicyKernel(name, parameters)
{
    /// <summary>All that there are.</summary>
    public static KernelSet<IlgpuKernelEmitter> Set { get; } = new(
        new DenseIlgpuKernel(),
        new ExactIlgpuKernel(),
        spec => (spec as IIlgpuPolicy)?.Ilgpu ?? throw new NotSupportedException($"there is no kernel for GPUs of '{spec.Label()}'"));

    /// <summary>Whether the activation ends a neuron: its row of up is read only where <see cref="Keep(string)"/> holds, its row of down too.</summary>
    public virtual bool Skips => true;

    /// <summary>The kernel's doc comment, as XML.</summary>
    public abstract string Summary(IlgpuFeedForwardPlan plan);

    /// <summary>Condition under which a neuron with this activation is kept.</summary>
    public virtual string Keep(string activation) => $"{activation} != 0f";

    /// <summary>The same, where it is another one for each neuron.</summary>
    /// <param name="neuron">Its number, as C#.</param>
    public virtual string Keep(string activation, string neuron) => Keep(activation);

    /// <summary>Whether it chooses neurons before any of their weights are read.</summary>
    public virtual bool Predicts => false;

    /// <summary>How it goes about that, for comments: <c>count the signs that disagree</c>.</summary>
    public virtual string PredictionText => "choose neurons";

    /// <summary>What is derived from a layer's matrices for it.</summary>
    public virtual IReadOnlyList<DerivedField> Derived(IlgpuFeedForwardPlan plan) => [];

    /// <summary>What it reads of a token beside the input: slots of its policy's phase, and more.</summary>
    public virtual IReadOnlyList<TokenData> Reads(IlgpuFeedForwardPlan plan) => [.. Slots(plan.Shape).Select(slot => new SlotOfToken(slot))];

    /// <summary>
    /// A kernel that makes what it reads of tokens from the input, a group a token, launched before its own: its parameters are the input <c>x</c>, what it
    /// writes, and the first <see cref="InputParameters"/> of the policy's. Null: there is nothing to make.
    /// </summary>
    public virtual DeviceKernel? Input(CodeWriter code, IlgpuFeedForwardPlan plan) => null;

    /// <summary>How many of the parameters are of <see cref="Input"/> and not of the other kernels.</summary>
    public virtual int InputParameters => 0;

    /// <summary>Constants that its part of the kernels names: declarations, as C#.</summary>
    public virtual IEnumerable<string> Constants(IlgpuFeedForwardPlan plan) => [];

    /// <summary>Bytes that it reads of a layer to predict.</summary>
    public long PredictorBytes(IlgpuFeedForwardPlan plan) => Derived(plan).Sum(field => field.Bytes(plan));

    /// <summary>
    /// Writes how a warp fills <c>kept</c>: bit n for its n-th neuron, number <c>firstOfWarp + n</c>. Bits of neurons past the end are cleared
    /// afterwards. Only where it <see cref="Predicts"/>.
    /// </summary>
    public virtual void EmitSelect(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
    }

    /// <summary>
    /// Writes, for several tokens, whether a lane's <c>token</c> wants two of a warp's next four neurons, from number <c>firstOfWarp + n</c> on:
    /// <c>wantsAB</c> the first or, where <c>own</c> is 1, the second, <c>wantsCD</c> the third or fourth; 1 or 0, and 0 of a token that does
    /// not exist. Only where it <see cref="Predicts"/>.
    /// </summary>
    public virtual void EmitSelectTogether(CodeWriter code, TogetherPlan plan)
    {
    }
}
