namespace SparseInfer;

/// <summary>
/// Declares which weight types the generated program reads; weights are used in the type they are stored in. Several may be
/// given: the kernel of each is generated, and a file may mix them between matrices. Norms and biases are always F32.
/// </summary>
/// <param name="types">One or more types, none twice.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, Inherited = false)]
public sealed class WeightsAttribute(params WeightType[] types) : Attribute
{
    /// <summary>The declared types.</summary>
    public IReadOnlyList<WeightType> Types { get; } = types;
}
