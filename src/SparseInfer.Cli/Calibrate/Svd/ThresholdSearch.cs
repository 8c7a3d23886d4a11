namespace SparseInfer.Cli.Calibrate.Svd;

/// <summary>
/// A threshold for each neuron's score, so that a layer skips a share of its neurons at the least cost (SVDP, <c>construct_predictors.py</c>). It knows
/// nothing of how scores are made. A neuron is skipped where its score is below its threshold.
/// </summary>
/// <param name="Thresholds">One for each neuron.</param>
/// <param name="Skipped">The share of neurons that is skipped on the samples, of all tokens.</param>
/// <param name="Penalty">What is lost on the samples: the skipped importances' squares, of all tokens and neurons.</param>
internal sealed record ThresholdSearch(double[] Thresholds, double Skipped, double Penalty)
{
    /// <summary>Steps in which a neuron's threshold goes through its tokens.</summary>
    public const int Steps = 256;

    /// <summary>The furthest that a neuron begins at, however many tokens cost nothing.</summary>
    private const int FurthestStart = (int)(0.95 * Steps);

    /// <summary>The share of neurons that may be skipped for every token.</summary>
    private const double MostAlwaysOff = 0.01;

    /// <param name="tokens">How many tokens there are.</param>
    /// <param name="neurons">How many neurons.</param>
    /// <param name="score">A neuron's score of a token.</param>
    /// <param name="importance">What a neuron adds to the output for a token: its length.</param>
    /// <param name="share">The share of neurons that is to be skipped; what costs nothing is skipped in any case.</param>
    public static ThresholdSearch Find(int tokens, int neurons, Func<int, int, double> score, Func<int, int, double> importance, double share)
    {
        var curves = new Curve[neurons];
        Parallel.For(0, neurons, neuron => curves[neuron] = Curve.Of(tokens, token => score(token, neuron), token => importance(token, neuron)));
        int[] steps = [.. curves.Select(curve => curve.Free)];
        long skipped = curves.Select((curve, neuron) => (long)curve.Skipped[steps[neuron]]).Sum();
        long wanted = (long)Math.Ceiling(share * tokens * neurons);
        int off = 0;
        var next = new PriorityQueue<int, (double Cost, int Neuron)>(steps.Select((step, neuron) => (neuron, (curves[neuron].Cost(step), neuron))));
        while (skipped < wanted && next.TryDequeue(out int neuron, out _))
        {
            int step = ++steps[neuron];
            off += step == Steps ? 1 : 0;
            if (off > MostAlwaysOff * neurons)
            {
                steps[neuron]--;
                break;
            }

            skipped += curves[neuron].Skipped[step] - curves[neuron].Skipped[step - 1];
            if (step < Steps)
            {
                next.Enqueue(neuron, (curves[neuron].Cost(step), neuron));
            }
        }

        return new(
            [.. curves.Select((curve, neuron) => curve.Thresholds[steps[neuron]])],
            (double)skipped / ((long)tokens * neurons),
            curves.Select((curve, neuron) => curve.Penalties[steps[neuron]]).Sum());
    }

    /// <summary>A neuron's thresholds, from one that skips nothing to one that skips all, and what each skips and costs.</summary>
    private sealed record Curve(double[] Thresholds, int[] Skipped, double[] Penalties)
    {
        /// <summary>The last step that costs nothing.</summary>
        public int Free => Math.Min(FurthestStart, Array.FindLastIndex(Penalties, penalty => penalty == 0));

        /// <summary>What the step after costs more.</summary>
        public double Cost(int step) => Penalties[step + 1] - Penalties[step];

        public static Curve Of(int tokens, Func<int, double> score, Func<int, double> importance)
        {
            double[] scores = [.. Enumerable.Range(0, tokens).Select(score)];
            int[] order = [.. Enumerable.Range(0, tokens)];
            Array.Sort((double[])scores.Clone(), order);
            double[] sums = new double[tokens + 1];
            for (int i = 0; i < tokens; i++)
            {
                double value = importance(order[i]);
                sums[i + 1] = sums[i] + (value * value);
            }

            var curve = new Curve(new double[Steps + 1], new int[Steps + 1], new double[Steps + 1]);
            for (int step = 0; step <= Steps; step++)
            {
                // What is below the next token's score: of equal scores none.
                int count = (int)((long)step * tokens / Steps);
                while (count > 0 && count < tokens && scores[order[count - 1]] == scores[order[count]])
                {
                    count--;
                }

                curve.Thresholds[step] = count < tokens ? scores[order[count]] : Math.BitIncrement(scores[order[tokens - 1]]);
                curve.Skipped[step] = count;
                curve.Penalties[step] = sums[count];
            }

            return curve;
        }
    }
}
