using MathNet.Numerics.LinearAlgebra;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Calibrate.Svd;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Calibrate;

/// <summary>The truncated decomposition and the threshold search, against their definitions.</summary>
public sealed class SvdPredictorTests
{
    private const int Hidden = 12;
    private const int Neurons = 20;
    private const int Tokens = 300;

    [Fact]
    public void At_full_rank_the_product_is_the_gate()
    {
        SvdSamples samples = Samples(1);
        var svd = WhitenedSvd.Of(samples.Gate, samples.FactorInputs, Hidden, Hidden);
        Matrix<double> product = Rows(svd.Second, Hidden) * Rows(svd.First, Hidden);
        (product - Rows([.. samples.Gate.Select(value => (double)value)], Hidden)).L2Norm().ShouldBeLessThan(1e-9);
    }

    /// <summary>What is left out is, on the inputs, the discarded singular values, and nothing of that rank leaves out less.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(11)]
    public void What_a_rank_leaves_out_is_the_least(int rank)
    {
        SvdSamples samples = Samples(2);
        var svd = WhitenedSvd.Of(samples.Gate, samples.FactorInputs, Hidden, rank);
        Matrix<double> x = Rows([.. samples.FactorInputs.Select(value => (double)value)], Hidden);
        Matrix<double> gate = Rows([.. samples.Gate.Select(value => (double)value)], Hidden);
        double left = ((gate - (Rows(svd.Second, rank) * Rows(svd.First, Hidden))) * x.Transpose()).FrobeniusNorm();
        double least = Math.Sqrt((gate * x.Transpose().SubMatrix(0, Hidden, 0, x.RowCount)).Svd(false).S.Skip(rank).Sum(value => value * value));
        left.ShouldBe(least, 1e-5 * least);
    }

    /// <summary>Fewer tokens than inputs, and inputs that are always zero: what was never seen is the gate's all the same, at full rank.</summary>
    [Fact]
    public void Samples_that_do_not_span_the_inputs_are_enough()
    {
        SvdSamples samples = Samples(3);
        float[] few = [.. samples.FactorInputs.Take(5 * Hidden).Select((value, i) => i % Hidden == 3 ? 0 : value)];
        foreach (float[] inputs in new[] { few, new float[Hidden] })
        {
            var svd = WhitenedSvd.Of(samples.Gate, inputs, Hidden, Hidden);
            Matrix<double> product = Rows(svd.Second, Hidden) * Rows(svd.First, Hidden);
            (product - Rows([.. samples.Gate.Select(value => (double)value)], Hidden)).L2Norm().ShouldBeLessThan(1e-4);
        }
    }

    [Fact]
    public void The_search_begins_where_nothing_is_lost()
    {
        SvdSamples samples = Samples(4);
        ThresholdSearch found = Search(samples, share: 0);
        found.Penalty.ShouldBe(0);
        found.Skipped.ShouldBeGreaterThan(0.2);
        ShouldSkip(samples, found);
    }

    [Fact]
    public void More_is_skipped_at_higher_thresholds_of_every_neuron()
    {
        SvdSamples samples = Samples(5);
        ThresholdSearch before = Search(samples, 0);
        foreach (double share in new[] { 0.55, 0.65, 0.75, 0.8 })
        {
            ThresholdSearch found = Search(samples, share);
            found.Skipped.ShouldBeInRange(share, share + (1.0 / ThresholdSearch.Steps));
            found.Penalty.ShouldBeGreaterThanOrEqualTo(before.Penalty);
            found.Thresholds.Zip(before.Thresholds, (now, then) => now >= then).ShouldAllBe(isMore => isMore);
            ShouldSkip(samples, found);
            before = found;
        }
    }

    /// <summary>The neuron whose next step costs least, looked for among all of them every time.</summary>
    [Fact]
    public void Steps_are_those_of_a_naive_greedy_search()
    {
        SvdSamples samples = Samples(6);
        int[] steps = new int[Neurons];
        double Penalty(int neuron, int step) => Order(samples, neuron).Take(step * Tokens / 256).Sum(token => Math.Pow(Importance(samples, token, neuron), 2));
        int Count() => steps.Sum(step => step * Tokens / 256);
        for (int neuron = 0; neuron < Neurons; neuron++)
        {
            while (steps[neuron] < 243 && Penalty(neuron, steps[neuron] + 1) == 0)
            {
                steps[neuron]++;
            }
        }

        double[][] costs = [.. Enumerable.Range(0, Neurons).Select(neuron => Enumerable.Range(0, 256).Select(step => Penalty(neuron, step + 1) - Penalty(neuron, step)).ToArray())];
        while (Count() < 0.6 * Tokens * Neurons)
        {
            int next = Enumerable.Range(0, Neurons).Where(neuron => steps[neuron] < 256).OrderBy(neuron => costs[neuron][steps[neuron]]).ThenBy(neuron => neuron).First();
            steps[next]++;
        }

        ThresholdSearch found = Search(samples, 0.6);
        found.Thresholds.ShouldBe(steps.Select((step, neuron) => Score(samples, Order(samples, neuron)[step * Tokens / 256], neuron)));
    }

    [Fact]
    public void Few_neurons_are_off_for_every_token()
    {
        SvdSamples samples = Samples(7);
        ThresholdSearch found = Search(samples, 1);
        found.Skipped.ShouldBeLessThan(1);
        Enumerable.Range(0, Neurons).Count(neuron => Enumerable.Range(0, Tokens).All(token => Score(samples, token, neuron) < found.Thresholds[neuron])).ShouldBe(0); // 1% of 20
    }

    [Fact]
    public void A_predictor_skips_what_it_says_and_is_read_back()
    {
        SvdSamples samples = Samples(8);
        var predictor = SvdPredictor.Make(samples, rank: 4, share: 0.5);
        int skipped = Enumerable.Range(0, Tokens).Sum(token =>
        {
            double[] hidden = [.. Enumerable.Range(0, 4).Select(i => Enumerable.Range(0, Hidden).Sum(j => (double)predictor.First[(i * Hidden) + j] * samples.ThresholdInputs[(token * Hidden) + j]))];
            return Enumerable.Range(0, Neurons).Count(neuron => predictor.Bias[neuron] + Enumerable.Range(0, 4).Sum(i => predictor.Second[(neuron * 4) + i] * hidden[i]) < -1e-6);
        });
        ((double)skipped / (Tokens * Neurons)).ShouldBe(predictor.Skipped, 0.01);

        var file = new PredictorFile();
        file.Add(3, predictor, rank: 4);
        file.Add(3, predictor.Bias);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            file.Write(path);
            using var read = ModelFile.Open(path);
            read.Tensors.Select(tensor => $"{tensor}").ShouldBe(
            [
                "'model.layers.3.mlp.predictor.fc1.weight' F32 [4, 12]", "'model.layers.3.mlp.predictor.fc2.weight' F32 [20, 4]",
                "'model.layers.3.mlp.predictor.fc2.bias' F32 [20]", "'model.layers.3.mlp.threshold.weight' F32 [20]",
            ]);
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(read.Tensors[1].Bytes).ToArray().ShouldBe(predictor.Second);
        }
        finally
        {
            File.Delete(path);
        }

        Should.Throw<ArgumentException>(() => SvdPredictor.Make(samples, 13, 0.5)).Message.ShouldContain("no rank of 13");
        Should.Throw<ArgumentException>(() => SvdPredictor.Make(samples with { ThresholdInputs = [] }, 4, 0.5));
    }

    private static ThresholdSearch Search(SvdSamples samples, double share) =>
        ThresholdSearch.Find(Tokens, Neurons, (token, neuron) => Score(samples, token, neuron), (token, neuron) => Importance(samples, token, neuron), share);

    private static void ShouldSkip(SvdSamples samples, ThresholdSearch found)
    {
        (int Token, int Neuron)[] skipped =
        [
            .. from token in Enumerable.Range(0, Tokens)
               from neuron in Enumerable.Range(0, Neurons)
               where Score(samples, token, neuron) < found.Thresholds[neuron]
               select (token, neuron),
        ];
        found.Skipped.ShouldBe((double)skipped.Length / (Tokens * Neurons));
        found.Penalty.ShouldBe(skipped.Sum(one => Math.Pow(Importance(samples, one.Token, one.Neuron), 2)), 1e-9);
    }

    /// <summary>Near the gate's value, as a proxy is.</summary>
    private static double Score(SvdSamples samples, int token, int neuron) => Gate(samples, token, neuron) + (0.1 * Math.Sin((17 * token) + neuron));

    private static int[] Order(SvdSamples samples, int neuron) => [.. Enumerable.Range(0, Tokens).OrderBy(token => Score(samples, token, neuron))];

    private static double Importance(SvdSamples samples, int token, int neuron) =>
        Math.Abs(samples.ThresholdActivations[(token * Neurons) + neuron]) * samples.DownNorms[neuron];

    private static double Gate(SvdSamples samples, int token, int neuron) =>
        Enumerable.Range(0, Hidden).Sum(j => (double)samples.Gate[(neuron * Hidden) + j] * samples.ThresholdInputs[(token * Hidden) + j]);

    private static Matrix<double> Rows(double[] values, int columns) => Matrix<double>.Build.Dense(columns, values.Length / columns, values).Transpose();

    /// <summary>A layer of ReLU, whose inputs are longer in some directions than in others.</summary>
    private static SvdSamples Samples(int seed)
    {
        var random = new Random(seed);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(i => (random.NextSingle() - 0.5f) * (1 + (i % Hidden)))];
        SvdSamples samples = new()
        {
            Gate = Values(Neurons * Hidden),
            DownNorms = [.. Enumerable.Range(0, Neurons).Select(i => 0.5 + random.NextDouble())],
            FactorInputs = Values(Tokens * Hidden),
            ThresholdInputs = Values(Tokens * Hidden),
            ThresholdActivations = [],
        };
        return samples with
        {
            ThresholdActivations =
            [
                .. from token in Enumerable.Range(0, Tokens)
                   from neuron in Enumerable.Range(0, Neurons)
                   select (float)Math.Max(0, Gate(samples, token, neuron)) * (random.NextSingle() - 0.5f),
            ],
        };
    }
}
