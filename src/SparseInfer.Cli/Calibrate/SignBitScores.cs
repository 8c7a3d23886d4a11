using System.Numerics;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// <c>[SignBitPredictor]</c>: a neuron is skipped iff more signs of input and gate row disagree than <c>T = floor(alpha * d / (1 + alpha))</c>. Its score
/// is the negated number of those signs, and the alpha of a cut the shortest decimal that makes this T.
/// </summary>
internal sealed class SignBitScores : ScoredPolicy
{
    public override string Attribute => "SignBitPredictor";

    public override bool IsPredictor => true;

    public override string? Refusal(ModelDeclaration model) => model.HasZeros ? null
        : $"{model.Activation} has no exact zeros, which [SignBitPredictor] could predict: give --policy ActivationThreshold";

    public override LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(experts, model);

    private sealed class Scores(IReadOnlyList<LayerWeights> experts, ModelDeclaration model) : LayerScores
    {
        private readonly int _words = (model.Hidden + 63) / 64;

        private readonly ulong[][][] _planes = [.. experts.Select(weights => (model.Activation == Activation.DRelu ? new[] { weights.First, weights.Up! } : [weights.First])
            .Select(matrix => Pack(matrix, model.Hidden)).ToArray())];

        // A bit a weight, in words of 64; of dReLU either matrix may end a neuron.
        public override double BytesOfNeuron => _words * sizeof(ulong) * _planes[0].Length;

        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores)
        {
            ulong[] signs = Pack(input.ToArray(), model.Hidden);
            scores.Fill(0);
            foreach (ulong[] plane in _planes[expert])
            {
                for (int neuron = 0; neuron < scores.Length; neuron++)
                {
                    int disagreeing = 0;
                    for (int word = 0; word < _words; word++)
                    {
                        disagreeing += BitOperations.PopCount(plane[(neuron * _words) + word] ^ signs[word]);
                    }

                    scores[neuron] = Math.Min(scores[neuron], -disagreeing);
                }
            }
        }

        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Alpha", Alpha((int)-cut, model.Hidden))];

        private static ulong[] Pack(float[] values, int columns)
        {
            int words = (columns + 63) / 64;
            ulong[] packed = new ulong[values.Length / columns * words];
            for (int i = 0; i < values.Length; i++)
            {
                (int row, int column) = Math.DivRem(i, columns);
                packed[(row * words) + (column / 64)] |= float.IsNegative(values[i]) ? 1UL << (column % 64) : 0;
            }

            return packed;
        }
    }

    /// <summary>The shortest decimal alpha that skips a neuron iff more than <paramref name="threshold"/> signs disagree.</summary>
    /// <param name="threshold">0 to <paramref name="hidden"/>.</param>
    /// <param name="hidden">Signs of a row.</param>
    public static float Alpha(int threshold, int hidden)
    {
        // Alphas of T are from T / (d - T) to below (T + 1) / (d - T - 1); the attribute takes none above 100, which is where practically nothing is skipped.
        const decimal Greatest = 100;
        decimal least = threshold >= hidden ? Greatest : Math.Min(Greatest, (decimal)threshold / (hidden - threshold));
        decimal end = threshold + 1 >= hidden ? Greatest + 1 : Math.Min(Greatest + 1, (decimal)(threshold + 1) / (hidden - threshold - 1));
        return Decimals.Between(least, Math.Min(end, Greatest)) ?? (float)Greatest;
    }
}
