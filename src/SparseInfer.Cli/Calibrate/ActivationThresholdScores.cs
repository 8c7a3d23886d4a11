using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary><c>[ActivationThreshold]</c> (CATS): a neuron's score is its activation's magnitude, and the cut is the threshold.</summary>
internal sealed class ActivationThresholdScores : ScoredPolicy
{
    public override string Attribute => "ActivationThreshold";

    public override bool IsPredictor => false;

    public override string? Refusal(ModelDeclaration model) => model.HasZeros
        ? $"{model.Activation} has exact zeros, which cost nothing to skip: give --policy SignBitPredictor"
        : null;

    public override LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(experts, model);

    private sealed class Scores(IReadOnlyList<LayerWeights> experts, ModelDeclaration model) : LayerScores
    {
        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores)
        {
            LayerWeights weights = experts[expert];
            for (int neuron = 0; neuron < scores.Length; neuron++)
            {
                double z = Lanes.Dot(weights.First.AsSpan(neuron * model.Hidden, model.Hidden), input) + (weights.FirstBias?[neuron] ?? 0);
                scores[neuron] = (float)Math.Abs(Activate(z));
            }
        }

        // The attribute takes no threshold of 0, below which nothing is.
        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Threshold", Math.Max(cut, 1e-6f))];

        private double Activate(double z) => model.Activation == Activation.Silu
            ? z / (1 + Math.Exp(-z))
            : 0.5 * z * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (z + (0.044715 * z * z * z))));
    }
}
