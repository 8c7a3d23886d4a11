using System.Diagnostics.CodeAnalysis;

namespace SparseInfer.Cli.Compilation;

/// <summary>How activations are written on a command line and in model files.</summary>
internal static class ActivationNames
{
    private static readonly (string Name, Activation Activation)[] Names =
    [
        ("relu", Activation.Relu),
        ("fatrelu", Activation.FatRelu),
        ("drelu", Activation.DRelu),
        ("squared-relu", Activation.SquaredRelu),
        ("silu", Activation.Silu),
        ("gelu", Activation.Gelu),
        ("relu2", Activation.SquaredRelu),
        ("relu_sqr", Activation.SquaredRelu),
        ("swish", Activation.Silu),
        ("gelu_new", Activation.Gelu),
        ("gelu_pytorch_tanh", Activation.Gelu),
    ];

    /// <summary>The names to show: one an activation.</summary>
    public static IEnumerable<string> All => Names.DistinctBy(pair => pair.Activation).Select(pair => pair.Name);

    public static bool TryParse([NotNullWhen(true)] string? text, out Activation activation)
    {
        int index = Array.FindIndex(Names, pair => pair.Name.Equals(text, StringComparison.OrdinalIgnoreCase));
        activation = index < 0 ? default : Names[index].Activation;
        return index >= 0;
    }
}
