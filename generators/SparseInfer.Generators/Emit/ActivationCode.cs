using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>An activation, as C# that is the same on every backend, and as people read it.</summary>
internal static class ActivationCode
{
    /// <summary>Writes <c>Activate(float x)</c>.</summary>
    public static string Method(FeedForwardSpec spec) => "private static float Activate(float x) => " + spec.Activation switch
    {
        Activation.Relu or Activation.DRelu => "x > 0f ? x : 0f",
        Activation.FatRelu => $"x > {Literal.OfDecimal(spec.Threshold)} ? x : 0f",
        Activation.SquaredRelu => "x > 0f ? x * x : 0f",
        Activation.Silu => "Activations.Silu(x)",
        Activation.GaussianTopK => "x > 0f ? Activations.Gelu(x) : 0f",
        _ => "Activations.Gelu(x)",
    } + ";";

    /// <summary>The feed-forward's form, for a head comment.</summary>
    public static string Form(FeedForwardSpec spec)
    {
        string threshold = spec.Activation switch
        {
            Activation.FatRelu => $" above {spec.Threshold}",
            Activation.GaussianTopK => $" with sparsity {spec.Sparsity}",
            _ => "",
        };
        return $"{(spec.Gated ? "gated" : "not gated")}, {spec.Activation}{threshold}{(spec.Biases ? ", biases" : "")}";
    }
}
