using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// <c>[PromptNeurons]</c> (GRIFFIN): a neuron's score is its place among all, the least used first, as if the tokens that were looked at were one prompt. So the cut
/// is the share that is skipped, and the curve tells what a choice costs that is as general as the text.
/// </summary>
internal sealed class PromptNeuronsScores : ScoredPolicy
{
    /// <summary>Digits with which a share of any number of neurons can be told.</summary>
    private const int MaxDigits = 7;

    public override string Attribute => "PromptNeurons";

    public override bool IsPredictor => true;

    public override bool ChoosesByPrompts => true;

    public override string? Refusal(ModelDeclaration model) => model.Experts > 0 ? "experts have no prompts that choose; give another --policy" : null;

    public override LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(model, samples);

    /// <summary>The share that keeps so many of the neurons, rounded up as the generator does: with as few digits as tell it from one neuron less.</summary>
    internal static float Keep(int kept, int neurons)
    {
        for (int digits = 1; digits < MaxDigits; digits++)
        {
            decimal scale = (decimal)Math.Pow(10, digits);
            decimal share = Math.Floor(kept * scale / neurons) / scale;
            if (share * neurons > kept - 1)
            {
                return (float)share;
            }
        }

        return (float)((kept - 0.5m) / neurons);
    }

    private sealed class Scores : LayerScores
    {
        private readonly float[] _scores;

        public Scores(ModelDeclaration model, IReadOnlyList<TokenSample> samples)
        {
            double[] shares = new double[model.Intermediate];
            foreach (TokenSample sample in samples)
            {
                double squares = sample.Neurons.Sum(value => (double)value * value);
                for (int i = 0; i < shares.Length && squares > 0; i++)
                {
                    shares[i] += (double)sample.Neurons[i] * sample.Neurons[i] / squares;
                }
            }

            // Of equals the last is skipped first.
            int[] order = [.. Enumerable.Range(0, shares.Length).OrderBy(i => shares[i]).ThenByDescending(i => i)];
            _scores = new float[shares.Length];
            for (int place = 0; place < order.Length; place++)
            {
                _scores[order[place]] = (float)place / order.Length;
            }
        }

        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores) => _scores.CopyTo(scores);

        public override IReadOnlyList<StrengthValue> Strengths(float cut) =>
            [new("Keep", Keep(_scores.Length - (int)Math.Round((double)cut * _scores.Length), _scores.Length))];
    }
}
