using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Something that is made of a layer's matrix as it goes to the device, and lies beside it there: a field of the layer's weights.</summary>
/// <param name="Matrix">The matrix: a field too.</param>
/// <param name="Type">The field's type, as C#.</param>
/// <param name="Name">What the field is called.</param>
internal abstract record DerivedField(string Matrix, string Type, string Name)
{
    /// <summary>Its name where a variable is called so.</summary>
    public string Variable => char.ToLowerInvariant(Name[0]) + Name.Substring(1);

    /// <summary>Bytes of a layer's.</summary>
    public abstract long Bytes(IlgpuFeedForwardPlan plan);

    /// <summary>Where it stands among what the matrix's upload is asked for.</summary>
    public virtual int Place => 0;

    /// <summary>What the matrix's upload is asked for, as further arguments with a comma before.</summary>
    /// <param name="condition">Whether the layer has it, as C#.</param>
    public abstract string Upload(string condition);
}

/// <summary>The signs of a matrix, packed.</summary>
internal sealed record PackedSigns(string Matrix) : DerivedField(Matrix, "ArrayView<Words4>", Matrix + "Signs")
{
    public override long Bytes(IlgpuFeedForwardPlan plan) => plan.Intermediate * plan.SignWords * 16L;

    public override string Upload(string condition) => $", packsSigns: {condition}, out {Type} {Variable}";
}

/// <summary>Which weights of a matrix are large, a bit each.</summary>
internal sealed record PackedMagnitudes(string Matrix) : DerivedField(Matrix, "ArrayView<Words4>", Matrix + "Magnitudes")
{
    public override long Bytes(IlgpuFeedForwardPlan plan) => plan.Intermediate * plan.SignWords * 16L;

    public override int Place => 1;

    public override string Upload(string condition) => $", packsMagnitudes: {condition}, out {Type} {Variable}";
}

/// <summary>The mean absolute value of each row of a matrix. Experts have none: they have no biases, which it is for.</summary>
internal sealed record RowMeans(string Matrix) : DerivedField(Matrix, "ArrayView<float>", Matrix + "Means")
{
    public override long Bytes(IlgpuFeedForwardPlan plan) => plan.Intermediate * (long)sizeof(float);

    public override int Place => 2;

    public override string Upload(string condition) => $", measuresRows: {condition}, out {Type} {Variable}";
}

/// <summary>What a policy's kernel reads of a token beside the input: a parameter, and a buffer.</summary>
/// <param name="Type">As C#.</param>
/// <param name="Name">What the parameter is called.</param>
internal abstract record TokenData(string Type, string Name)
{
    /// <summary>Where a session or a batch of sequences has it.</summary>
    public string Buffer => "_" + Name;

    /// <summary>What errors call a buffer of its own, which follows the normed input; null: it is a slot of a policy's phase.</summary>
    public virtual string? Contents => null;

    /// <summary>Whether each of a token's experts has one, where there are experts.</summary>
    public virtual bool IsOfEachExpert => false;

    /// <summary>An element of the view, as C#.</summary>
    public string Element => Type.Substring("ArrayView<".Length, Type.Length - "ArrayView<>".Length);

    /// <summary>Elements of a token.</summary>
    /// <param name="hidden">Width of the input.</param>
    public abstract int Length(int hidden);

    /// <summary>16-byte words that have a bit for each element of the input.</summary>
    protected static int BitWords(int hidden) => (hidden + 127) / 128;
}

/// <summary>The signs of the input, packed by the norm that makes it.</summary>
internal sealed record InputSigns() : TokenData("ArrayView<Words4>", "signs")
{
    public override string? Contents => "packed signs";

    public override int Length(int hidden) => BitWords(hidden);
}

/// <summary>
/// The signs of the input, and the sum of its absolute values in the first bytes of a word behind them: made by a launch of its policy's,
/// <see cref="IlgpuKernelEmitter.Input"/>.
/// </summary>
internal sealed record InputSignsAndSum() : TokenData("ArrayView<Words4>", "signsAndSum")
{
    public override string? Contents => "packed signs and a sum";

    public override int Length(int hidden) => BitWords(hidden) + 1;
}

/// <summary>Signs, magnitudes and outliers of the input, a row of bits each: made by a launch of its policy's, <see cref="IlgpuKernelEmitter.Input"/>.</summary>
internal sealed record InputVotes() : TokenData("ArrayView<Words4>", "votes")
{
    public override string? Contents => "packed signs and magnitudes";

    public override int Length(int hidden) => 3 * BitWords(hidden);
}

/// <summary>What the token's sequence has chosen, a bit for each neuron: brought there by a launch before its policy's own.</summary>
internal sealed record ChosenOfToken(Slot Slot) : TokenData("ArrayView<uint>", Slot.Variable)
{
    public override string? Contents => "chosen neurons";

    public override int Length(int hidden) => LaunchCode.ChosenWords(Slot);
}

/// <summary>What its policy computed before: a row of a slot of its own.</summary>
internal sealed record SlotOfToken(Slot Slot) : TokenData("ArrayView<float>", Slot.Variable)
{
    public override bool IsOfEachExpert => true;

    public override int Length(int hidden) => LaunchCode.PolicyStride(Slot);
}

/// <summary>What policies want beside weights and input, in all layers of a model.</summary>
internal static class PolicyData
{
    /// <summary>What is derived from matrices, and which layers have it.</summary>
    public static IEnumerable<(DerivedField Field, LayerSet Layers)> Derived(ModelSpec spec, IlgpuFeedForwardPlan plan) => spec.Policies
        .SelectMany(policy => IlgpuKernelEmitter.Set.Of(policy.Policy).Derived(plan))
        .Distinct()
        .Select(field => (field, new LayerSet(spec, policy => IlgpuKernelEmitter.Set.Of(policy).Derived(plan).Contains(field))));

    /// <summary>What kernels read of a token.</summary>
    public static IEnumerable<TokenData> OfTokens(ModelSpec spec, IlgpuFeedForwardPlan plan) =>
        spec.Policies.SelectMany(policy => IlgpuKernelEmitter.Set.Of(policy.Policy).Reads(plan)).Distinct();
}
