using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Oracle.Tests;

/// <summary>
/// The double-precision reference, rounded where ggml's CPU kernels round: GELU is a table of half precision (<c>ggml_vec_gelu_f32</c>), and what
/// a matrix of half precision is multiplied with is converted to half precision first (<c>vec_dot_type</c>).
/// </summary>
internal sealed class LlamaCppReference(TinyModel model) : TinyReference(model, model.HalfSplit)
{
    private readonly bool _half = model.Matrices == WeightType.F16;

    protected override double Gelu(double x) => (double)(Half)base.Gelu((double)(Half)x);

    protected override double Operand(double x) => _half ? (double)(Half)x : x;
}
