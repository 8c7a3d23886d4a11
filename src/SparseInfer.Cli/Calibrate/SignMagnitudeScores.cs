using System.Numerics;
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
    // As the generator has them, in hundredths of a vote.
    private const int OfBoth = 1530;
    private const int OfOne = 392;
    private const int OfNone = 100;
    private const float Sigmas = 6f;
    private const float UsualWeight = 60f;
    private const float GreatestWeight = 300f;

    public override string Attribute => "SignMagnitudePredictor";

    public override bool IsPredictor => true;

    public override string? Refusal(ModelDeclaration model) => model.HasZeros ? null
        : $"{model.Activation} has no exact zeros, which [SignMagnitudePredictor] could predict: give --policy ActivationThreshold";

    public override double BytesOfNeuron(ModelDeclaration model) => 2.0 * Words(model.Hidden) * sizeof(ulong) * (model.Activation == Activation.DRelu ? 2 : 1);

    public override LayerScores Of(LayerWeights weights, ModelDeclaration model, IReadOnlyList<TokenSample> samples) => new Scores(weights, model, samples);

    /// <summary>The shortest decimal beta that skips a neuron iff its votes are fewer than a number.</summary>
    /// <param name="least">Votes with which it is computed; below half of <paramref name="hidden"/>.</param>
    /// <param name="hidden">Columns.</param>
    public static float Beta(int least, int hidden) => Decimals.Between(
        Math.Max(0, 1 - (((2m * least) + 1) / hidden)), Math.Min(GreatestBeta, 1 - (((2m * least) - 1) / hidden))) ?? GreatestBeta;

    private const int GreatestBeta = 10;

    private static int Words(int columns) => (columns + 63) / 64;

    /// <summary>Signs, and which elements are large and which outliers.</summary>
    private sealed record Planes(ulong[] Signs, ulong[] Large, ulong[] Outliers)
    {
        /// <param name="row">Readable up to a multiple of 32.</param>
        /// <param name="columns">Its width.</param>
        public static Planes Of(float[] row, int columns)
        {
            var planes = new Planes(new ulong[Words(columns)], new ulong[Words(columns)], new ulong[Words(columns)]);
            Magnitudes.Pack(ref row[0], ref planes.Large[0], ref planes.Outliers[0], columns, Sigmas);
            for (int column = 0; column < columns; column++)
            {
                planes.Signs[column / 64] |= float.IsNegative(row[column]) ? 1UL << (column % 64) : 0;
            }

            return planes;
        }
    }

    private sealed class Scores : LayerScores
    {
        private readonly int _hidden;
        private readonly Planes[][] _matrices;
        private readonly int _ofOutlier;

        public Scores(LayerWeights weights, ModelDeclaration model, IReadOnlyList<TokenSample> samples)
        {
            _hidden = model.Hidden;
            float[][] matrices = model.Activation == Activation.DRelu ? [weights.First, weights.Up!] : [weights.First];
            _matrices = [.. matrices.Select(matrix => Enumerable.Range(0, model.Intermediate)
                .Select(neuron => Planes.Of(Padded(matrix.AsSpan(neuron * _hidden, _hidden)), _hidden)).ToArray())];
            OutlierWeight = Measure(weights.First, samples);
            _ofOutlier = (int)Math.Round(OutlierWeight * 100);
        }

        /// <summary>In hundredths, as the attribute takes it.</summary>
        private float OutlierWeight { get; }

        public override (float Least, float Greatest) Range => ((1 - GreatestBeta) * _hidden / 2, (_hidden / 2) - 1);

        public override void Score(ReadOnlySpan<float> input, Span<float> scores)
        {
            Planes x = Planes.Of(Padded(input), _hidden);
            scores.Fill(float.PositiveInfinity);
            foreach (Planes[] matrix in _matrices)
            {
                for (int neuron = 0; neuron < scores.Length; neuron++)
                {
                    scores[neuron] = Math.Min(scores[neuron], (float)Math.Floor(Votes(x, matrix[neuron]) / 100.0));
                }
            }
        }

        public override IReadOnlyList<StrengthValue> Strengths(float cut) => [new("Beta", Beta((int)cut, _hidden)), new("OutlierWeight", OutlierWeight)];

        /// <summary>In hundredths.</summary>
        private long Votes(Planes x, Planes w)
        {
            long votes = 0;
            for (int word = 0; word < x.Signs.Length; word++)
            {
                int columns = Math.Min(64, _hidden - (64 * word));
                ulong all = columns == 64 ? ulong.MaxValue : (1UL << columns) - 1;
                ulong differ = x.Signs[word] ^ w.Signs[word];
                votes += (OfBoth * Surplus(x.Large[word] & w.Large[word])) + (OfOne * Surplus(x.Large[word] ^ w.Large[word]))
                    + (OfNone * Surplus(all & ~(x.Large[word] | w.Large[word]))) + ((long)_ofOutlier * Surplus(x.Outliers[word]));

                long Surplus(ulong mask) => BitOperations.PopCount(mask) - (2 * BitOperations.PopCount(mask & differ));
            }

            return votes;
        }

        private float Measure(float[] matrix, IReadOnlyList<TokenSample> samples)
        {
            (double Sum, long Count) outliers = default;
            (double Sum, long Count) smallInputs = default;
            foreach (TokenSample sample in samples)
            {
                Planes planes = Planes.Of(Padded(sample.Input), _hidden);
                Add(sample.Input, planes.Outliers, isSet: true, ref outliers);
                Add(sample.Input, planes.Large, isSet: false, ref smallInputs);
            }

            if (outliers.Count == 0 || smallInputs.Sum == 0)
            {
                return UsualWeight;
            }

            (double Sum, long Count) smallWeights = default;
            double allWeights = 0;
            for (int neuron = 0; neuron < _matrices[0].Length; neuron++)
            {
                ReadOnlySpan<float> row = matrix.AsSpan(neuron * _hidden, _hidden);
                Add(row, _matrices[0][neuron].Large, isSet: false, ref smallWeights);
                foreach (float weight in row)
                {
                    allWeights += Math.Abs(weight);
                }
            }

            double ofInputs = outliers.Sum / outliers.Count / (smallInputs.Sum / smallInputs.Count);
            double ofWeights = allWeights / matrix.Length / (smallWeights.Sum / smallWeights.Count);
            return double.IsFinite(ofInputs * ofWeights) ? (float)Math.Round(Math.Min(ofInputs * ofWeights, GreatestWeight), 2) : UsualWeight;
        }

        private static void Add(ReadOnlySpan<float> values, ulong[] plane, bool isSet, ref (double Sum, long Count) sum)
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

        private static float[] Padded(ReadOnlySpan<float> values)
        {
            float[] padded = new float[(values.Length + 31) / 32 * 32];
            values.CopyTo(padded);
            return padded;
        }
    }
}
