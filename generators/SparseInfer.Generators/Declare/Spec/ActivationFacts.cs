namespace SparseInfer.Generators.Declare;

internal static class ActivationFacts
{
    /// <summary>
    /// Whether the activation is exactly zero on a whole half-line, so that neurons can be skipped without changing a result.
    /// </summary>
    public static bool HasExactZeros(this Activation activation) =>
        activation is Activation.Relu or Activation.FatRelu or Activation.SquaredRelu or Activation.DRelu;
}
