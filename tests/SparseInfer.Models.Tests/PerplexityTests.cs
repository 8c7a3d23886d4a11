namespace SparseInfer.Models.Tests;

/// <summary>How well whole models predict held-out text, beside another implementation's figures in double precision.</summary>
public sealed class PerplexityTests(LoadedModels models)
{
    private const int Tokens = 22528;

    /// <summary>Exact, which is Dense bit for bit: one pass gives perplexity and zeros.</summary>
    [Theory]
    [InlineData(Loaded.ReluF16, 4.648562886962201, new[] { 0.92699, 0.86382, 0.86011, 0.82922, 0.81976, 0.98034 })]
    [InlineData(Loaded.Stories260KF32, 5.383961449483436, new double[] { 0, 0, 0, 0, 0 })]
    public void Perplexity_and_true_zeros_on_held_out_text_are_the_golden_ones(Loaded model, double golden, double[] goldenZeros)
    {
        using Session session = models.Get(model).CreateSession(
            new SessionOptions { Mode = SparsityMode.Exact, SparsePrompt = true, Metering = true });
        double perplexity = Perplexity.Of(session, BundledFiles.EvaluationTokens.AsSpan(0, Tokens));
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{model}: {perplexity:F5}; zeros {string.Join(", ", layers.Select(layer => $"{layer.ActualSparsity:P2}"))}");
        perplexity.ShouldBe(golden, 0.001 * golden);
        layers.Select(layer => layer.ActualSparsity).ShouldBe(goldenZeros, 0.003);
        layers.ShouldAllBe(layer => layer.Tokens == Tokens && layer.PredictedSparsity == 0);
    }
}
