using System.Numerics;
using SparseInfer.Cli.Compilation;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// <c>[SignBitPredictor]</c>: a neuron is skipped iff more signs of input and gate row disagree than <c>T = floor(alpha * d / (1 + alpha))</c>. Its score
/// is the negated number of those signs, and the alpha of a cut the shortest decimal that makes this T. Where a row has a bias it is the negated least T that
/// keeps the neuron: the two are one where the bias is zero.
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

        // Of each plane the rows' biases, and the mean absolute weights that they are weighed against; null: there are none.
        private readonly (float[] Biases, float[] Means)?[][] _leans = [.. experts.Select(weights => model.Activation == Activation.DRelu
            ? new[] { Lean(weights.First, weights.FirstBias, model.Hidden), Lean(weights.Up!, weights.UpBias, model.Hidden) }
            : [Lean(weights.First, weights.FirstBias, model.Hidden)])];

        // A bit a weight, in words of 64, and a number where there are biases; of dReLU either matrix may end a neuron.
        public override double BytesOfNeuron => _planes[0].Select((_, plane) => (_words * sizeof(ulong)) + (_leans[0][plane] is null ? 0 : sizeof(float))).Sum();

        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores)
        {
            ulong[] signs = Pack(input.ToArray(), model.Hidden);
            float inputSum = AbsoluteSums.Of(in input[0], model.Hidden);
            scores.Fill(0);
            for (int number = 0; number < _planes[expert].Length; number++)
            {
                ulong[] plane = _planes[expert][number];
                for (int neuron = 0; neuron < scores.Length; neuron++)
                {
                    int disagreeing = 0;
                    for (int word = 0; word < _words; word++)
                    {
                        disagreeing += BitOperations.PopCount(plane[(neuron * _words) + word] ^ signs[word]);
                    }

                    int least = _leans[expert][number] is { } lean
                        ? LeastThreshold(disagreeing, model.Hidden, inputSum, lean.Means[neuron], lean.Biases[neuron])
                        : disagreeing;
                    scores[neuron] = Math.Min(scores[neuron], -least);
                }
            }
        }

        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Alpha", Alpha((int)-cut, model.Hidden))];

        private static (float[] Biases, float[] Means)? Lean(float[] matrix, float[]? biases, int columns) => biases is null ? null
            : (biases, [.. Enumerable.Range(0, matrix.Length / columns).Select(row =>
                (float)(matrix.AsSpan(row * columns, columns).ToArray().Sum(weight => (double)Math.Abs(weight)) / columns))]);

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

    /// <summary>The least threshold with which a neuron is computed, 0 to <paramref name="hidden"/>: with every greater one it is, too.</summary>
    /// <param name="disagreeing">Signs that disagree.</param>
    /// <param name="hidden">Signs of a row.</param>
    /// <param name="inputSum">Sum of the input's absolute values.</param>
    /// <param name="mean">Mean absolute value of the row.</param>
    /// <param name="bias">The row's.</param>
    public static int LeastThreshold(int disagreeing, int hidden, float inputSum, float mean, float bias)
    {
        // Solved in double precision; the kernels' own comparison decides where that is near an integer.
        double product = (double)inputSum * mean;
        int least = product <= bias ? 0
            : (int)Math.Clamp(Math.Ceiling(((disagreeing * product) - ((double)hidden * bias)) / (product - bias)), 0, hidden);
        while (least > 0 && IsComputed(least - 1))
        {
            least--;
        }

        while (least < hidden && !IsComputed(least))
        {
            least++;
        }

        return least;

        bool IsComputed(int threshold) => !((disagreeing - threshold) * inputSum * mean > (hidden - threshold) * bias);
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
