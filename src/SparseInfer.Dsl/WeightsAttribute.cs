namespace SparseInfer;

/// <summary>
/// Declares which weight types the generated program reads; weights are used in the type they are stored in. Several may be
/// given: the kernel of each is generated, and a file may mix them between matrices. Norms and biases are always F32.
/// </summary>
/// <remarks>
/// A model may have several of these, each for other matrices: <c>[Weights(WeightType.F16)]</c> and
/// <c>[Weights(WeightType.Q8_0, Role = WeightRole.Attention | WeightRole.Head)]</c>. What a file stores in another type is converted to the
/// first of its role's types where <c>LoadOptions.ConvertWeights</c> allows it.
/// </remarks>
/// <param name="types">One or more types, none twice.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false, AllowMultiple = true)]
public sealed class WeightsAttribute(params WeightType[] types) : Attribute
{
    /// <summary>The declared types, the one that others are converted to first.</summary>
    public IReadOnlyList<WeightType> Types { get; } = types;

    /// <summary>The matrices they are for; the default, <see cref="WeightRole.None"/>: all that no other attribute names. A layer alone has no roles.</summary>
    public WeightRole Role { get; set; }
}
