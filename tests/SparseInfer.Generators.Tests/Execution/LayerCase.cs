namespace SparseInfer.Generators.Tests.Execution;

/// <summary>The policies that a layer can declare.</summary>
internal enum LayerPolicy
{
    None,
    Dense,
    Exact,
    SignBit,
    ActivationThreshold,
}

/// <summary>One declaration of a layer, and what it means.</summary>
internal sealed record LayerCase(
    int Hidden,
    int Intermediate,
    Activation Activation,
    WeightType Weights,
    bool Gated,
    bool Biases,
    LayerPolicy Policy)
{
    /// <summary>The sign-bit predictor's alpha, as it is declared.</summary>
    public decimal Alpha { get; init; } = 1.03m;

    /// <summary>FATReLU's threshold, and that on activations.</summary>
    public const float Threshold = 0.1f;

    /// <summary>Gaussian top-k's share.</summary>
    public const float Sparsity = 0.8f;

    public bool HasZeros => Activation is not (Activation.Silu or Activation.Gelu);

    /// <summary>The property's name: every choice is in it.</summary>
    public string Name =>
        $"{Activation}_{Weights}_{Hidden}x{Intermediate}{(Gated ? "_Gated" : "")}{(Biases ? "_Biases" : "")}_{Policy}{AlphaName}";

    private string AlphaName => Policy == LayerPolicy.SignBit ? FormattableString.Invariant($"{Alpha}").Replace('.', 'p') : "";

    private string Attributes => Policy switch
    {
        LayerPolicy.Dense => "[Dense]",
        LayerPolicy.Exact => "[ExactSparsity]",
        LayerPolicy.SignBit => FormattableString.Invariant($"[SignBitPredictor(Alpha = {Alpha}f)]"),
        LayerPolicy.ActivationThreshold => FormattableString.Invariant($"[ActivationThreshold(Threshold = {Threshold}f)]"),
        _ => "",
    };

    /// <summary>The declaration as a user writes it.</summary>
    public string Source => FormattableString.Invariant($$"""
            [FeedForward(
                Hidden = {{Hidden}}, Intermediate = {{Intermediate}}, Activation = Activation.{{Activation}}{{Number}},
                Gated = {{Bool(Gated)}}, Biases = {{Bool(Biases)}})]
            {{Attributes}}
            [Weights(WeightType.{{Weights}})]
            public static partial FeedForwardKernel {{Name}} { get; }
        """);

    private string Number => Activation switch
    {
        Activation.FatRelu => FormattableString.Invariant($", Threshold = {Threshold}f"),
        Activation.GaussianTopK => FormattableString.Invariant($", Sparsity = {Sparsity}f"),
        _ => "",
    };

    private static string Bool(bool value) => value ? "true" : "false";

    /// <summary>A file that declares all of some cases in one class <c>Layers</c>.</summary>
    public static string File(IEnumerable<LayerCase> cases) =>
        $$"""
        #pragma warning disable CS1591 // the declarations need no comments; what is generated does
        using SparseInfer;

        public static partial class Layers
        {
        {{string.Join("\n\n", cases.Select(layer => layer.Source))}}
        }
        """;
}
