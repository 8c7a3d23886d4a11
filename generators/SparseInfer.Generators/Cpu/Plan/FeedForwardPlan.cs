using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Cpu;

/// <summary>How the feed-forward of one shape and weight type is computed on a CPU. A pure function of the declaration.</summary>
/// <param name="PaddedHidden">The same, padded to whole vectors.</param>
/// <param name="PaddedIntermediate">Neurons, padded: the stride of a batch's activations.</param>
/// <param name="BlockNeurons">Neurons predicted before their gate rows are read.</param>
/// <param name="Slices">
/// Slices of the neurons, for the down product: what workers share, and part of the order in which sums run. A property of the shape alone.
/// </param>
/// <param name="Tuning">What was measured to suit the weight type.</param>
internal sealed record FeedForwardPlan(
    FeedForwardSpec Spec,
    WeightType Weights,
    int PaddedHidden,
    int PaddedIntermediate,
    int BlockNeurons,
    int Slices,
    KernelTuning Tuning)
{
    public int Hidden => Spec.Hidden;

    public int Intermediate => Spec.Intermediate;

    /// <summary>Bytes of one neuron in gate, up, or (stored neuron-major) down.</summary>
    public long RowBytes => Format.Of(Weights).Bytes(PaddedHidden);

    /// <summary>Matrices whose rows are dotted with the input: gate and up, or up alone.</summary>
    public int InputMatrices => Spec.Gated ? 2 : 1;

    /// <summary>The matrix in the gate's place.</summary>
    public string First => Spec.Gated ? "Gate" : "Up";

    /// <summary>Whether the activation has exact zeros: all but SiLU and GELU.</summary>
    public bool HasZeros => Spec.Activation is not (Activation.Silu or Activation.Gelu);

    public string ClassName
    {
        get
        {
            string activation = Spec.Activation.ToString();
            if (Spec.Activation == Activation.FatRelu)
            {
                activation += Spec.Threshold.Replace('.', 'p').Replace("-", "m").Replace("+", "");
            }

            string form = $"{(Spec.Gated ? "" : "_Ungated")}{(Spec.Biases ? "_Biases" : "")}";
            return $"FeedForward_{Hidden}x{Intermediate}_{activation}{form}_{Weights}";
        }
    }
}
