using System.Diagnostics;

namespace SparseInfer.Models.Tests;

/// <summary>The time stamps that decoding takes on request: what they cover, not how long it is.</summary>
public sealed class TimingTests(LoadedModels models)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_timed_feed_forward_takes_part_of_the_whole_and_predicting_part_of_the_feed_forward(int threads)
    {
        using Session session = models.Get(Loaded.ReluF16, threads).CreateSession(new SessionOptions { Timing = true });
        long start = Stopwatch.GetTimestamp();
        int[] tokens = BundledFiles.Opening(40);
        Logits.OneByOne(session, tokens);
        double perToken = Stopwatch.GetElapsedTime(start).TotalNanoseconds / tokens.Length;

        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        layers.ShouldAllBe(layer => layer.FeedForwardNanoseconds > 0);
        layers.ShouldAllBe(layer => layer.PredictorNanoseconds < layer.FeedForwardNanoseconds);

        // The model predicts in layers 0 and 5.
        layers.ShouldAllBe(layer => (layer.PredictorNanoseconds > 0) == (layer.Layer == 0 || layer.Layer == 5));
        layers.Sum(layer => layer.FeedForwardNanoseconds).ShouldBeLessThan(perToken);
    }

    [Fact]
    public void Without_a_predictor_no_time_goes_into_predicting()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession(new SessionOptions { Mode = SparsityMode.Exact, Timing = true });
        session.Forward([1]);
        session.ReadMetrics().ShouldAllBe(layer => layer.FeedForwardNanoseconds > 0 && layer.PredictorNanoseconds == 0);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Nothing_is_timed_unasked_or_while_metering(bool timing, bool metering)
    {
        using Session session = models.Get(Loaded.ReluF16)
            .CreateSession(new SessionOptions { Timing = timing, Metering = metering });
        session.Forward([1]);
        session.ReadMetrics().ShouldAllBe(layer => double.IsNaN(layer.FeedForwardNanoseconds) && (layer.Tokens == 1) == metering);
    }

    [Fact]
    public void Resetting_forgets_the_times()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession(new SessionOptions { Timing = true });
        session.Forward([1]);
        session.ResetMetrics();
        session.ReadMetrics().ShouldAllBe(layer => double.IsNaN(layer.FeedForwardNanoseconds));
    }
}
