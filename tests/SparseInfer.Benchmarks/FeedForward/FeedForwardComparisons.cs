using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Feed-forward layers against others that compute the same. What they compute is compared before they are measured.</summary>
internal static class FeedForwardComparisons
{
    private static readonly SparsityMode[] _modes = [SparsityMode.Dense, SparsityMode.Exact, SparsityMode.Predicted];

    /// <summary>The generated kernel in each mode, a naive sparse loop and a dense matrix-vector product.</summary>
    public static Comparison Alternatives(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers generated = comparison.Own(new RotatingLayers(data, Generated));
        foreach (SparsityMode mode in _modes)
        {
            RequireSameBits(generated, SparsityMode.Dense, generated, mode, $"{mode} mode");
            Add($"generated, {mode}", generated, mode);
        }

        RotatingLayers naive = comparison.Own(new RotatingLayers(data, HandWritten(Layer.NaiveSparse)));
        RequireClose(generated, naive, "The naive sparse loop");
        Add("naive sparse loop", naive, SparsityMode.Predicted);

        RotatingLayers gemv = comparison.Own(new RotatingLayers(data, DenseGemv));
        RequireClose(generated, gemv, "The dense GEMV");
        Add("dense GEMV loop", gemv, SparsityMode.Dense);
        return comparison;

        void Add(string name, RotatingLayers layers, SparsityMode mode) =>
            comparison.Variants.Add(Token("", name, layers, mode, data));
    }

    /// <summary>The generated kernel, specialised for its shape, against the same one with sizes known at run time only.</summary>
    public static Comparison Specialised(int hidden, WeightType type) =>
        InEachMode(hidden, type, "specialised", Layer.RunTimeSizes, "run-time sizes");

    /// <summary>The generated kernel, block by block, against one operator after the other over whole vectors.</summary>
    public static Comparison Fused(int hidden, WeightType type) => InEachMode(hidden, type, "fused", Layer.Unfused, "unfused");

    /// <summary>The sign predictor alone, and for comparison a learned one of low rank, against the dense layer.</summary>
    public static Comparison Predictors(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers generated = comparison.Own(new RotatingLayers(data, Generated));
        comparison.Variants.Add(Token("", "dense feed-forward", generated, SparsityMode.Dense, data));
        SignPredictor signs = comparison.Own(new SignPredictor(hidden));
        comparison.Variants.Add(new Variant("", "sign predictor", signs.Bytes, signs.Step));
        LowRankPredictor lowRank = comparison.Own(new LowRankPredictor(hidden));
        comparison.Variants.Add(new Variant("", $"low rank, {LowRankPredictor.Rank}, F16", lowRank.Bytes, lowRank.Step));
        return comparison;
    }

    private static Comparison InEachMode(int hidden, WeightType type, string generatedName, Layer layer, string otherName)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers generated = comparison.Own(new RotatingLayers(data, Generated));
        RotatingLayers other = comparison.Own(new RotatingLayers(data, HandWritten(layer)));
        foreach (SparsityMode mode in _modes)
        {
            RequireSameBits(generated, mode, other, mode, $"{otherName}, {mode},");
            comparison.Variants.Add(Token(mode.ToString(), generatedName, generated, mode, data));
            comparison.Variants.Add(Token(mode.ToString(), otherName, other, mode, data));
        }

        return comparison;
    }

    private static Variant Token(string group, string name, RotatingLayers layers, SparsityMode mode, SyntheticLayer data) =>
        new(group, name, SyntheticLayer.BytesPerToken(data.Shape.Hidden, data.Type, mode), () => layers.Step(mode));

    private static KernelLayer Generated(SyntheticLayer data) => new(Layers.New(data.Shape.Hidden, data.Type), data);

    private static Func<SyntheticLayer, ILayer> HandWritten(Layer layer) => data => new KernelLayer(
        data.Type switch
        {
            WeightType.F16 => New<F16>(layer, data),
            WeightType.Q8_0 => New<Q8_0>(layer, data),
            _ => New<Q4_0>(layer, data),
        },
        data);

    private static FeedForwardKernel New<T>(Layer layer, SyntheticLayer data)
        where T : IWeightFormat => layer switch
        {
            Layer.RunTimeSizes => new RunTimeSizeLayer<T>(data.Shape, data.Type),
            Layer.Unfused => new UnfusedLayer<T>(data.Shape, data.Type),
            _ => new NaiveSparseLayer<T>(data.Shape, data.Type),
        };

    private static ILayer DenseGemv(SyntheticLayer data) => data.Type switch
    {
        WeightType.F16 => new DenseGemvLayer<F16>(data),
        WeightType.Q8_0 => new DenseGemvLayer<Q8_0>(data),
        _ => new DenseGemvLayer<Q4_0>(data),
    };

    private static void RequireSameBits(
        RotatingLayers expected, SparsityMode expectedMode, RotatingLayers actual, SparsityMode actualMode, string name)
    {
        for (int input = 0; input < SyntheticLayer.Inputs; input++)
        {
            Agreement.RequireSameBits(expected.Output(input, expectedMode), actual.Output(input, actualMode), name);
        }
    }

    /// <summary>Block formats round the input to 8 bits, and Q4_0 activations to 7, where loops over floats do not.</summary>
    private static void RequireClose(RotatingLayers expected, RotatingLayers actual, string name) =>
        Agreement.Require(expected.Output(0, SparsityMode.Dense), actual.Output(0, SparsityMode.Predicted), 0.05f, name);

    private enum Layer
    {
        RunTimeSizes,
        Unfused,
        NaiveSparse,
    }
}
