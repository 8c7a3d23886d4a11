namespace SparseInfer.Generators.Declare;

/// <summary>What models and layers that stand alone have in common. Called only on declarations that broke no rule.</summary>
internal static class FeedForwardParser
{
    public static FeedForwardSpec Parse(Declaration declaration, DeclaredAttribute attribute) => new(
        declaration.Hidden,
        declaration.Intermediate,
        declaration.Activation,
        declaration.Activation == Activation.FatRelu ? attribute.Decimal("Threshold", "0") : "0",
        declaration.Gated,
        attribute.Value("Biases", false))
    {
        Sparsity = declaration.Activation == Activation.GaussianTopK ? attribute.Decimal("Sparsity", "0") : "0",
    };
}
