using Models;

namespace SparseInfer.Models.Tests;

/// <summary>
/// What the sign-bit predictor costs and finds at one alpha in all layers, beside another implementation's figures: the last 8,192 tokens
/// of the text, prediction on at every position.
/// </summary>
public sealed class SignBitPerplexityTests(LoadedModels models)
{
    private const double HalfAPoint = 0.005;

    private static readonly Lock DenseLock = new();
    private static double _dense;

    public static TheoryData<string, double> Alphas => new()
    {
        { "1.05", 0.210 },
        { "1.30", 0.044 },
    };

    private static ReadOnlySpan<ushort> Text => BundledFiles.EvaluationTokens.AsSpan(^8192..);

    [Fact]
    public void At_alpha_1_00_perplexity_and_the_predictors_quality_are_the_golden_ones()
    {
        using LanguageModel model = Load("1.00");
        using Session session = model.CreateSession(new SessionOptions { SparsePrompt = true, Metering = true });
        double increase = (Perplexity.Of(session, Text) / DensePerplexity()) - 1;
        TestContext.Current.TestOutputHelper!.WriteLine($"{increase:P3}");
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        foreach (LayerMetrics layer in layers)
        {
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"layer {layer.Layer}: zero {layer.ActualSparsity:P2}, predicted {layer.PredictedSparsity:P2}, "
                + $"precision {layer.Precision:F4}, recall {layer.Recall:F4}");
        }

        increase.ShouldBe(0.295, HalfAPoint);
        layers.ShouldAllBe(layer => layer.Tokens == 8192);

        // The golden figures have two digits.
        ShouldSpan(layers.Select(layer => layer.PredictedSparsity), 0.58, 0.90);
        ShouldSpan(layers.Select(layer => layer.Precision), 0.83, 0.99);
        ShouldSpan(layers.Select(layer => layer.Recall), 0.69, 0.92);
        layers[0].Precision.ShouldBe(0.94, 0.005);
        layers[5].Precision.ShouldBe(0.99, 0.005);
        layers[0].PredictedSparsity.ShouldBe(0.90, 0.005);
        layers[5].PredictedSparsity.ShouldBe(0.87, 0.005);
    }

    [Theory]
    [MemberData(nameof(Alphas))]
    public void Perplexity_rises_by_the_golden_share(string alpha, double golden)
    {
        using LanguageModel model = Load(alpha);
        using Session session = model.CreateSession(new SessionOptions { SparsePrompt = true });
        double increase = (Perplexity.Of(session, Text) / DensePerplexity()) - 1;
        TestContext.Current.TestOutputHelper!.WriteLine($"alpha {alpha}: {increase:P3}");
        increase.ShouldBe(golden, HalfAPoint);
    }

    private static void ShouldSpan(IEnumerable<double> shares, double least, double most)
    {
        double[] all = [.. shares];
        all.Min().ShouldBe(least, 0.005);
        all.Max().ShouldBe(most, 0.005);
    }

    private LanguageModel Load(string alpha)
    {
        CpuDevice device = models.Device(threads: 1);
        return alpha switch
        {
            "1.00" => ReluAlpha100.Load(BundledFiles.ReluGguf, device),
            "1.05" => ReluAlpha105.Load(BundledFiles.ReluGguf, device),
            _ => ReluAlpha130.Load(BundledFiles.ReluGguf, device),
        };
    }

    /// <summary>The same for every alpha: mode Dense of any of these declarations.</summary>
    private double DensePerplexity()
    {
        lock (DenseLock)
        {
            if (_dense == 0)
            {
                using Session session = models.Get(Loaded.ReluF16).CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
                _dense = Perplexity.Of(session, Text);
                _dense.ShouldBe(4.66, 0.005);
                TestContext.Current.TestOutputHelper!.WriteLine($"dense: {_dense:F5}");
            }

            return _dense;
        }
    }
}
