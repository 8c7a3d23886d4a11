namespace SparseInfer.Loading;

/// <summary>What model files call activations.</summary>
internal static class StoredActivation
{
    /// <summary>Hugging Face's name of GELU by the error function; ours, like ggml's, is the tanh form, which differs by less than 0.0005.</summary>
    public const string ExactGelu = "gelu";

    private static readonly Dictionary<string, Activation> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["relu"] = Activation.Relu,
        ["fatrelu"] = Activation.FatRelu,
        ["relu2"] = Activation.SquaredRelu,
        ["relu_sqr"] = Activation.SquaredRelu,
        ["relu_squared"] = Activation.SquaredRelu,
        ["squared-relu"] = Activation.SquaredRelu,
        ["drelu"] = Activation.DRelu,
        ["silu"] = Activation.Silu,
        ["swish"] = Activation.Silu,
        [ExactGelu] = Activation.Gelu,
        ["gelu_new"] = Activation.Gelu,
        ["gelu_fast"] = Activation.Gelu,
        ["gelu_tanh"] = Activation.Gelu,
        ["gelu_pytorch_tanh"] = Activation.Gelu,
    };

    /// <summary>The activation of a name, if it is known.</summary>
    public static bool TryParse(string name, out Activation activation) => Names.TryGetValue(name, out activation);

    /// <summary>Whether a file that says one may be declared as the other: dReLU models call themselves "relu" too.</summary>
    public static bool Matches(string name, Activation declared) => TryParse(name, out Activation stored)
        && (stored == declared || (stored == Activation.Relu && declared == Activation.DRelu));
}
