namespace SparseInfer.Generators.Declare;

internal static class ActivationFacts
{
    /// <summary>
    /// Whether the activation is exactly zero on a whole half-line, so that neurons can be skipped without changing a result.
    /// </summary>
    public static bool HasExactZeros(this Activation activation) =>
        activation is Activation.Relu or Activation.FatRelu or Activation.SquaredRelu or Activation.DRelu or Activation.GaussianTopK;

    /// <summary>
    /// Whether the activation cuts relative to all neurons of a token, so that every gate is there before any is activated.
    /// </summary>
    public static bool NeedsAllGates(this Activation activation) => activation == Activation.GaussianTopK;
}
