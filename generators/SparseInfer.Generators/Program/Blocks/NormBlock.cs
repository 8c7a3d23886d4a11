using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>The declared norm, before whatever a stage does.</summary>
internal static class NormBlock
{
    public static Norm Of(NormSpec spec, Stage stage, Tensor weight) =>
        new(stage, spec, weight, spec.Kind == NormKind.Layer ? weight.Bias(TensorRole.NormBias) : null);
}
