using SparseInfer.Cli.Compilation;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// <c>[SignMagnitudePredictor]</c> (Grasp): a neuron is skipped iff its votes are fewer than <c>round((1 - beta) * d / 2)</c>. Its score is their number,
/// rounded down, since that is what whole numbers are compared with. The outliers' weight is measured: mean magnitude of outliers over that of small
/// elements, times that of weights over that of small weights.
/// </summary>
internal sealed class SignMagnitudeScores : ScoredPolicy
{
    /// <summary>What the attribute says where nothing is measured.</summary>
    private static readonly SignMagnitudePredictorAttribute Usual = new();

    private const float GreatestWeight = 300f;

    public override string Attribute => "SignMagnitudePredictor";

    public override bool IsPredictor => true;

    public override string? Refusal(ModelDeclaration model) => model.HasZeros ? null
        : $"{model.Activation} has no exact zeros, which [SignMagnitudePredictor] could predict: give --policy ActivationThreshold";

    public override LayerScores Of(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(experts, model, samples);

    /// <summary>The shortest decimal beta that skips a neuron iff its votes are fewer than a number.</summary>
    /// <param name="least">Votes with which it is computed; below half of <paramref name="hidden"/>.</param>
    /// <param name="hidden">Columns.</param>
    public static float Beta(int least, int hidden) => Decimals.Between(
        Math.Max(0, 1 - (((2m * least) + 1) / hidden)), Math.Min(GreatestBeta, 1 - (((2m * least) - 1) / hidden))) ?? GreatestBeta;

    private const int GreatestBeta = 10;

    /// <summary>Three rows of words: signs, large elements, outliers.</summary>
    private static ulong[] Pack(ReadOnlySpan<float> row)
    {
        float[] padded = new float[Padding.Pad(row.Length)];
        row.CopyTo(padded);
        ulong[] words = new ulong[3 * Signs.WordsPerRow(row.Length)];
        Votes.Pack(ref padded[0], ref words[0], row.Length, Usual.OutlierSigmas);
        return words;
    }

    private sealed class Scores : LayerScores
    {
        private readonly int _hidden;
        private readonly int _words;
        private readonly ulong[][][][] _matrices;
        private readonly int _ofOutlier;

        public Scores(IReadOnlyList<LayerWeights> experts, ModelDeclaration model, IReadOnlyList<TokenSample> samples)
        {
            _hidden = model.Hidden;
            _words = Signs.WordsPerRow(_hidden);
            _matrices = [.. experts.Select(weights => (model.Activation == Activation.DRelu ? new[] { weights.First, weights.Up! } : [weights.First])
                .Select(matrix => Enumerable.Range(0, model.Intermediate)
                    .Select(neuron => Pack(matrix.AsSpan(neuron * _hidden, _hidden))).ToArray())
                .ToArray())];
            OutlierWeight = Measure([.. experts.Select(weights => weights.First)], samples);
            _ofOutlier = (int)Math.Round(OutlierWeight * 100);
        }

        /// <summary>In hundredths, as the attribute takes it.</summary>
        private float OutlierWeight { get; }

        public override (float Least, float Greatest) Range => ((1 - GreatestBeta) * _hidden / 2, (_hidden / 2) - 1);

        public override double BytesOfNeuron => 2.0 * _words * sizeof(ulong) * _matrices[0].Length;

        public override void Score(int expert, ReadOnlySpan<float> input, Span<float> scores)
        {
            ulong[] x = Pack(input);
            long start = Votes.Start(ref x[0], _hidden, _ofOutlier);
            scores.Fill(float.PositiveInfinity);
            foreach (ulong[][] matrix in _matrices[expert])
            {
                for (int neuron = 0; neuron < scores.Length; neuron++)
                {
                    scores[neuron] = Math.Min(scores[neuron], (float)Math.Floor((start + Change(x, matrix[neuron])) / 100.0));
                }
            }
        }

        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Beta", Beta((int)cut, _hidden)), new("OutlierWeight", OutlierWeight), new("OutlierSigmas", Usual.OutlierSigmas)];

        /// <summary>What a row changes of the votes that an input starts with, in hundredths.</summary>
        private long Change(ulong[] x, ulong[] row)
        {
            long votes = 0;
            for (int word = 0; word < _words; word++)
            {
                votes += Votes.Of(x[word], x[_words + word], x[(2 * _words) + word], row[word], row[_words + word], _ofOutlier);
            }

            return votes;
        }

        private float Measure(float[][] matrices, IReadOnlyList<TokenSample> samples)
        {
            (double Sum, long Count) outliers = default;
            (double Sum, long Count) smallInputs = default;
            foreach (TokenSample sample in samples)
            {
                ulong[] packed = Pack(sample.Input);
                Add(sample.Input, packed.AsSpan(2 * _words), isSet: true, ref outliers);
                Add(sample.Input, packed.AsSpan(_words), isSet: false, ref smallInputs);
            }

            if (outliers.Count == 0 || smallInputs.Sum == 0)
            {
                return Usual.OutlierWeight;
            }

            (double Sum, long Count) smallWeights = default;
            double allWeights = 0;
            for (int expert = 0; expert < matrices.Length; expert++)
            {
                for (int neuron = 0; neuron < _matrices[expert][0].Length; neuron++)
                {
                    ReadOnlySpan<float> row = matrices[expert].AsSpan(neuron * _hidden, _hidden);
                    Add(row, _matrices[expert][0][neuron].AsSpan(_words), isSet: false, ref smallWeights);
                    foreach (float weight in row)
                    {
                        allWeights += Math.Abs(weight);
                    }
                }
            }

            double ofInputs = outliers.Sum / outliers.Count / (smallInputs.Sum / smallInputs.Count);
            double ofWeights = allWeights / matrices.Sum(matrix => (double)matrix.Length) / (smallWeights.Sum / smallWeights.Count);
            return double.IsFinite(ofInputs * ofWeights) ? (float)Math.Round(Math.Min(ofInputs * ofWeights, GreatestWeight), 2) : Usual.OutlierWeight;
        }

        private static void Add(ReadOnlySpan<float> values, ReadOnlySpan<ulong> plane, bool isSet, ref (double Sum, long Count) sum)
        {
            for (int i = 0; i < values.Length; i++)
            {
                if (((plane[i / 64] >> (i % 64)) & 1) == (isSet ? 1UL : 0))
                {
                    sum.Sum += Math.Abs(values[i]);
                    sum.Count++;
                }
            }
        }
    }
}
