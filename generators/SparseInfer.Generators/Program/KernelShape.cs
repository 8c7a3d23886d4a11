using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Program;

/// <summary>A feed-forward in one weight type: what every backend's plan begins with.</summary>
internal sealed record KernelShape(FeedForwardSpec Spec, WeightType Weights)
{
    /// <summary>
    /// Whether gate and up have a row for each channel of their input, which the decoder multiplies itself: then only what leads out of the neurons is left.
    /// </summary>
    public bool ByChannels { get; init; }

    public int Hidden => Spec.Hidden;

    public int Intermediate => Spec.Intermediate;

    /// <summary>The same, padded to whole vectors.</summary>
    public int PaddedHidden => WeightLayout.Pad(Hidden);

    /// <summary>Neurons, padded: the stride of a batch's activations.</summary>
    public int PaddedIntermediate => WeightLayout.Pad(Intermediate);

    /// <summary>Matrices whose rows are dotted with the input: gate and up, or up alone.</summary>
    public int InputMatrices => Spec.Gated ? 2 : 1;

    /// <summary>The matrix in the gate's place.</summary>
    public string First => Spec.Gated ? "Gate" : "Up";

    /// <summary>Whether the activation has exact zeros: all but SiLU and GELU.</summary>
    public bool HasZeros => Spec.Activation.HasExactZeros();

    /// <summary>Whether all gates of a token are there before any is activated.</summary>
    public bool NeedsAllGates => Spec.Activation.NeedsAllGates();

    /// <summary>What the class with its kernels is called; a backend may add to it.</summary>
    public string ClassName
    {
        get
        {
            string activation = Spec.Activation.ToString();
            activation += Spec.Activation switch
            {
                Activation.FatRelu => InName(Spec.Threshold),
                Activation.GaussianTopK => InName(Spec.Sparsity),
                _ => "",
            };

            string form = $"{(Spec.Gated ? "" : "_Ungated")}{(Spec.Biases ? "_Biases" : "")}{(ByChannels ? "_ByChannel" : "")}";
            return $"FeedForward_{Hidden}x{Intermediate}_{activation}{form}_{Weights}";
        }
    }

    private static string InName(string number) => number.Replace('.', 'p').Replace("-", "m").Replace("+", "");
}
