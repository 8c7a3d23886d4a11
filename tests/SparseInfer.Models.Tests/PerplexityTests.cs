namespace SparseInfer.Models.Tests;

/// <summary>How well whole models predict held-out text, beside another implementation's figures in double precision.</summary>
public sealed class PerplexityTests(LoadedModels models)
{
    private const int Tokens = 22528;

    /// <summary>Exact, which is Dense bit for bit: one pass gives perplexity and zeros.</summary>
    [Fact]
    public void Perplexity_and_true_zeros_on_held_out_text_are_the_golden_ones()
    {
        using Session session = models.Get(Loaded.ReluF16).CreateSession(
            new SessionOptions { Mode = SparsityMode.Exact, SparsePrompt = true, Metering = true });
        double perplexity = Perplexity.Of(session, BundledFiles.EvaluationTokens.AsSpan(0, Tokens));
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{perplexity:F5}; zeros {string.Join(", ", layers.Select(layer => $"{layer.ActualSparsity:P2}"))}");
        perplexity.ShouldBe(4.648562886962201, 0.0046);
        layers.Select(layer => layer.ActualSparsity).ShouldBe([0.92699, 0.86382, 0.86011, 0.82922, 0.81976, 0.98034], 0.003);
        layers.ShouldAllBe(layer => layer.Tokens == Tokens && layer.PredictedSparsity == 0);
    }

    /// <summary>As a matrix product, which gives the bits of one token at a time; so a part of the text shows the zeros.</summary>
    [Fact]
    public void A_model_that_has_no_zeros_has_the_golden_perplexity_and_none_are_counted()
    {
        const int Part = 2048;
        LanguageModel model = models.Get(Loaded.Stories260KF32);
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        Perplexity.Of(session, BundledFiles.EvaluationTokens.AsSpan(0, Tokens)).ShouldBe(5.383961449483436, 0.0053);

        using Session metered = model.CreateSession(new SessionOptions { Mode = SparsityMode.Exact, SparsePrompt = true, Metering = true });
        double part = Perplexity.Of(metered, BundledFiles.EvaluationTokens.AsSpan(0, Part));
        part.ShouldBe(Perplexity.Of(session, BundledFiles.EvaluationTokens.AsSpan(0, Part)));
        metered.ReadMetrics().ShouldAllBe(layer => layer.ActualSparsity == 0 && layer.Tokens == Part && layer.PredictedSparsity == 0);
    }
}
