using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Feed-forward layers against others that compute the same. What they compute is compared before they are measured.</summary>
internal static class FeedForwardComparisons
{
    private static readonly SparsityMode[] Modes = [SparsityMode.Dense, SparsityMode.Exact, SparsityMode.Predicted];

    /// <summary>The generated kernel in each mode, a naive sparse loop and a dense matrix-vector product.</summary>
    public static Comparison Alternatives(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RequireSparsity(data);
        RotatingLayers layers = comparison.Own(new RotatingLayers(data));
        LayerProgram[] generated = layers.Run(layer => GeneratedProgram.New(layer, type));
        foreach (SparsityMode mode in Modes)
        {
            RequireSameBits(data, generated[0], SparsityMode.Dense, generated[0], mode, $"{mode} mode");
            comparison.Variants.Add(layers.Variant("", $"generated, {mode}", generated, mode));
        }

        LayerProgram[] naive = layers.Run(Programs(type).NaiveSparse);
        RequireClose(data, generated[0], naive[0], "The naive sparse loop");
        comparison.Variants.Add(layers.Variant("", "naive sparse loop", naive, SparsityMode.Predicted));

        LayerProgram[] gemv = layers.Run(Programs(type).DenseGemv);
        RequireClose(data, generated[0], gemv[0], "The dense GEMV");
        comparison.Variants.Add(layers.Variant("", "dense GEMV loop", gemv, SparsityMode.Dense));
        return comparison;
    }

    /// <summary>The generated kernel, specialised for its shape, against the same one with sizes known at run time only.</summary>
    public static Comparison Specialised(int hidden, WeightType type) =>
        InEachMode(hidden, type, "specialised", Programs(type).RunTimeSizes, "run-time sizes");

    /// <summary>The generated kernel, block by block, against one operator after the other over whole vectors.</summary>
    public static Comparison Fused(int hidden, WeightType type) => InEachMode(hidden, type, "fused", Programs(type).Unfused, "unfused");

    /// <summary>The sign predictor alone, and for comparison a learned one of low rank, against the dense layer.</summary>
    public static Comparison Predictors(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        RotatingLayers layers = comparison.Own(new RotatingLayers(SyntheticLayer.Create(hidden, type)));
        LayerProgram[] generated = layers.Run(layer => GeneratedProgram.New(layer, type));
        comparison.Variants.Add(layers.Variant("", "dense feed-forward", generated, SparsityMode.Dense));
        SignPredictor signs = comparison.Own(new SignPredictor(hidden));
        comparison.Variants.Add(new Variant("", "sign predictor", signs.Bytes, signs.Step));
        LowRankPredictor lowRank = comparison.Own(new LowRankPredictor(hidden));
        comparison.Variants.Add(new Variant("", $"low rank, {LowRankPredictor.Rank}, F16", lowRank.Bytes, lowRank.Step));
        return comparison;
    }

    private static Comparison InEachMode(
        int hidden, WeightType type, string generatedName, Func<LoadedLayer, LayerProgram> program, string otherName)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers layers = comparison.Own(new RotatingLayers(data));
        LayerProgram[] generated = layers.Run(layer => GeneratedProgram.New(layer, type));
        LayerProgram[] other = layers.Run(program);
        foreach (SparsityMode mode in Modes)
        {
            RequireSameBits(data, generated[0], mode, other[0], mode, $"{otherName}, {mode},");
            comparison.Variants.Add(layers.Variant(mode.ToString(), generatedName, generated, mode));
            comparison.Variants.Add(layers.Variant(mode.ToString(), otherName, other, mode));
        }

        return comparison;
    }

    private static HandWritten Programs(WeightType type) => type switch
    {
        WeightType.F16 => Programs<F16>(),
        WeightType.Q8_0 => Programs<Q8_0>(),
        _ => Programs<Q4_0>(),
    };

    private static HandWritten Programs<T>()
        where T : IWeightArithmetic => new(
            layer => new RunTimeSizeProgram<T>(layer),
            layer => new UnfusedProgram<T>(layer),
            layer => new NaiveSparseProgram<T>(layer),
            layer => new DenseGemvProgram<T>(layer));

    /// <summary>Requires sparsity and bytes to be what the tables say: the kernel's own meter is asked.</summary>
    private static void RequireSparsity(SyntheticLayer data)
    {
        using FeedForwardKernel kernel = Layers.New(data.Shape.Hidden, data.Type);
        kernel.Load(data.Weights);
        kernel.Metering = true;
        float[] y = new float[data.Shape.Hidden];
        foreach (float[] x in data.X)
        {
            kernel.Forward(x, y);
        }

        LayerMetrics metrics = kernel.ReadMetrics();
        double bytes = SyntheticLayer.BytesPerToken(data.Shape.Hidden, data.Type, SparsityMode.Predicted);
        double inactive = 1 - (1.0 / SyntheticLayer.Inputs);
        if (Math.Abs(metrics.ActualSparsity - inactive) > 0.001
            || Math.Abs(metrics.PredictedSparsity - inactive) > 0.001
            || Math.Abs(metrics.BytesPerToken - bytes) > 0.01 * bytes)
        {
            throw new InvalidOperationException($"Sparsity is not what it is made to be: {metrics}; {bytes:n0} bytes are expected.");
        }
    }

    private static void RequireSameBits(
        SyntheticLayer data, LayerProgram expected, SparsityMode expectedMode, LayerProgram actual, SparsityMode actualMode, string name)
    {
        foreach (float[] x in data.X)
        {
            Agreement.RequireSameBits(Output(expected, x, expectedMode), Output(actual, x, actualMode), name);
        }
    }

    /// <summary>Block formats round the input to 8 bits, and Q4_0 activations to 7, where loops over floats do not.</summary>
    private static void RequireClose(SyntheticLayer data, LayerProgram expected, LayerProgram actual, string name) =>
        Agreement.Require(
            Output(expected, data.X[0], SparsityMode.Dense), Output(actual, data.X[0], SparsityMode.Predicted), tolerance: 0.05f, name);

    private static float[] Output(LayerProgram program, float[] x, SparsityMode mode)
    {
        float[] y = new float[x.Length];
        program.Forward(x, y, mode);
        return y;
    }

    private sealed record HandWritten(
        Func<LoadedLayer, LayerProgram> RunTimeSizes,
        Func<LoadedLayer, LayerProgram> Unfused,
        Func<LoadedLayer, LayerProgram> NaiveSparse,
        Func<LoadedLayer, LayerProgram> DenseGemv);
}
