using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary>What a strength does to a layer, on the tokens that were looked at.</summary>
/// <param name="Strengths">The attribute's properties.</param>
/// <param name="Skipped">Share of neurons.</param>
/// <param name="Precision">Of the skipped, the inactive; null: none is skipped, or the activation has no zeros.</param>
/// <param name="Recall">Of the inactive, the skipped; null: as above.</param>
/// <param name="Contribution">1 - |y - y_sparse| / |residual|, a token's mean.</param>
/// <param name="Bytes">Weights and predictor data that a token reads.</param>
internal sealed record CurvePoint(
    IReadOnlyList<StrengthValue> Strengths, double Skipped, double? Precision, double? Recall, double Contribution, double Bytes);

/// <summary>A layer under a policy, from the most cautious strength to the boldest.</summary>
/// <param name="Points">Each skips more than the one before it.</param>
/// <param name="DenseBytes">What a token reads without a policy.</param>
internal sealed record LayerCurve(IReadOnlyList<CurvePoint> Points, double DenseBytes)
{
    /// <summary>Strengths that are tried: quantiles of all scores.</summary>
    private const int Levels = 128;

    /// <summary>Measures a layer.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="model">The model.</param>
    /// <param name="experts">The layer's feed-forward, or all its experts.</param>
    /// <param name="samples">The layer's.</param>
    /// <param name="share">A share of the neurons that one of the points skips; null: any will do.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static LayerCurve Measure(
        ScoredPolicy policy, ModelDeclaration model, IReadOnlyList<LayerWeights> experts, IReadOnlyList<TokenSample> samples, double? share, CancellationToken cancellationToken)
    {
        LayerScores scorer = policy.Of(experts, model, samples);
        float[][] scores = new float[samples.Count][];
        var parallel = new ParallelOptions { CancellationToken = cancellationToken };
        Parallel.For(0, samples.Count, parallel, i =>
        {
            TokenSample sample = samples[i];
            scores[i] = new float[sample.Neurons.Length];
            for (int chosen = 0; chosen < sample.Experts.Length; chosen++)
            {
                scorer.Score(sample.Experts[chosen], sample.Input, scores[i].AsSpan(chosen * model.Intermediate, model.Intermediate));
            }
        });
        float[] cuts = Cuts(scores, scorer.Range, share);
        var counts = new TokenCounts[samples.Count];
        Parallel.For(0, samples.Count, parallel, i => counts[i] = TokenCounts.Of(model, experts, samples[i], scores[i], cuts));
        LayerWeights weights = experts[0]; // stored as all are
        double neurons = samples.Sum(token => (double)token.Neurons.Length);
        return new([.. Enumerable.Range(0, cuts.Length).Select(level => Point(level))], neurons / samples.Count * (weights.FirstBytes + weights.OtherBytes));

        CurvePoint Point(int level)
        {
            // In order, so that no digit depends on which thread was first.
            double skipped = counts.Sum(token => (double)token.Skipped[level]);
            double wrong = counts.Sum(token => (double)token.Wrong[level]);
            double active = samples.Sum(token => (double)token.Neurons.Count(value => value != 0));
            double inactive = neurons - active;
            double read = policy.IsPredictor ? neurons - skipped : neurons;
            double kept = model.HasZeros ? active - wrong : neurons - skipped;
            bool isJudged = model.HasZeros && skipped > 0;
            return new(
                scorer.Strengths(cuts[level]),
                skipped / neurons,
                isJudged ? 1 - (wrong / skipped) : null,
                isJudged && inactive > 0 ? (skipped - wrong) / inactive : null,
                1 - counts.Average(token => token.Error[level]),
                ((read * weights.FirstBytes) + (kept * weights.OtherBytes) + (neurons * scorer.BytesOfNeuron)) / samples.Count);
        }
    }

    /// <summary>Scores at even shares of all, and at one that is asked for, each once; nothing is below the first.</summary>
    private static float[] Cuts(float[][] scores, (float Least, float Greatest) range, double? share)
    {
        float[] sorted = [.. scores.SelectMany(token => token)];
        Array.Sort(sorted);
        IEnumerable<long> places = Enumerable.Range(0, Levels).Select(level => (long)level * sorted.Length / Levels);
        return
        [
            .. (share is { } asked ? places.Append((long)(asked * sorted.Length)).Order() : places)
                .Select(place => Math.Clamp(sorted[place], range.Least, range.Greatest)).Distinct(),
        ];
    }

    /// <summary>What each cut does to one token.</summary>
    /// <param name="Skipped">Neurons that it skips.</param>
    /// <param name="Wrong">Of these, active ones.</param>
    /// <param name="Error">|y - y_sparse| / |residual|.</param>
    private sealed record TokenCounts(int[] Skipped, int[] Wrong, double[] Error)
    {
        public static TokenCounts Of(ModelDeclaration model, IReadOnlyList<LayerWeights> experts, TokenSample sample, float[] scores, float[] cuts)
        {
            // Cuts rise, and what one skips the next one does: each neuron is taken away once.
            int[] order = [.. Enumerable.Range(0, scores.Length)];
            Array.Sort([.. scores], order);
            var counts = new TokenCounts(new int[cuts.Length], new int[cuts.Length], new double[cuts.Length]);
            float[] lost = new float[model.Hidden];
            int next = 0;
            int wrong = 0;
            double error = 0;
            for (int level = 0; level < cuts.Length; level++)
            {
                int before = wrong;
                for (; next < order.Length && scores[order[next]] < cuts[level]; next++)
                {
                    float value = sample.Neurons[order[next]];
                    if (value != 0)
                    {
                        (int chosen, int neuron) = Math.DivRem(order[next], model.Intermediate);
                        Lanes.Add(lost, value * sample.Weights[chosen], experts[sample.Experts[chosen]].Down.AsSpan(neuron * model.Hidden, model.Hidden));
                        wrong++;
                    }
                }

                error = wrong == before ? error : Lanes.Norm(lost) / Math.Max(sample.ResidualNorm, float.Epsilon);
                counts.Skipped[level] = next;
                counts.Wrong[level] = wrong;
                counts.Error[level] = error;
            }

            return counts;
        }
    }
}
