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

    /// <summary>
    /// A small model's layer: the generated kernel, the same with sizes known at run time only, and that with the width a constant in its row products,
    /// which generated kernels call for any width.
    /// </summary>
    public static Comparison SpecialisedSmall(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers layers = comparison.Own(new RotatingLayers(data));
        LayerProgram[] generated = layers.Run(layer => GeneratedProgram.New(layer, type));
        (string Name, LayerProgram[] Programs)[] others =
        [
            ("run-time sizes", layers.Run(Programs(type).RunTimeSizes)),
            ("width constant in row products", layers.Run(layer => OneWidthPrograms(type, hidden).Called(layer))),
            ("row products inlined as well", layers.Run(layer => OneWidthPrograms(type, hidden).Inlined(layer))),
        ];
        foreach (SparsityMode mode in Modes)
        {
            comparison.Variants.Add(layers.Variant(mode.ToString(), "specialised", generated, mode));
            foreach ((string name, LayerProgram[] programs) in others)
            {
                RequireSameBits(data, generated[0], mode, programs[0], mode, $"{name}, {mode},");
                comparison.Variants.Add(layers.Variant(mode.ToString(), name, programs, mode));
            }
        }

        return comparison;
    }

    /// <summary>A layer whose neurons fire as often as a real model's, in any order and by frequency.</summary>
    public static Comparison Ordered(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.CreateFiring(hidden, type);
        RotatingLayers layers = comparison.Own(new RotatingLayers(data, data.ActiveShare));
        LayerProgram[] generated = layers.Run(layer => GeneratedProgram.New(layer, type));
        foreach (SparsityMode mode in Modes[1..])
        {
            comparison.Variants.Add(layers.Variant(mode.ToString(), "frequent neurons anywhere", generated, mode));
            comparison.Variants.Add(layers.Variant(mode.ToString(), "frequent neurons first", generated, mode, SyntheticLayer.Inputs));
            comparison.Variants.Add(layers.Variant(mode.ToString(), "first in each slice", generated, mode, 2 * SyntheticLayer.Inputs));
        }

        return comparison;
    }

    /// <summary>Rows of gate and of up apart, and a neuron's two side by side.</summary>
    public static Comparison Interleaved(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        SyntheticLayer data = SyntheticLayer.Create(hidden, type);
        RotatingLayers layers = comparison.Own(new RotatingLayers(data));
        LayerProgram[] apart = layers.Run(layer => GeneratedProgram.New(layer, type));
        LoadedLayer[] interleaved = layers.Select(Programs(type).Interleave);
        LayerProgram[] everyOther = [.. interleaved.Select(layer => GeneratedProgram.New(layer, type))];
        LayerProgram[] together = [.. interleaved.Select(Programs(type).Together)];
        foreach (SparsityMode mode in Modes)
        {
            comparison.Variants.Add(layers.Variant(mode.ToString(), "apart", apart, mode));
            comparison.Variants.Add(layers.Variant(mode.ToString(), "side by side, read as now", everyOther, mode));
            if (mode != SparsityMode.Exact)
            {
                RequireSameBits(data, everyOther[0], mode, together[0], mode, $"Rows read together, {mode},");
                comparison.Variants.Add(layers.Variant(mode.ToString(), "side by side, read together", together, mode));
            }
        }

        return comparison;
    }

    /// <summary>Groups of rows ahead of the computed one that are fetched: the generator's GroupsAhead.</summary>
    public static Comparison GroupsAhead(int hidden, WeightType type) =>
        Tuned(hidden, type, Modes, [("1 group ahead", 8192, 1), ("2 groups ahead", 8192, 2), ("4 groups ahead", 8192, 4)]);

    /// <summary>Neurons of a block: the generator's BlockNeurons.</summary>
    public static Comparison BlockNeurons(int hidden, WeightType type) =>
        Tuned(
            hidden, type, Modes[1..],
            [("blocks of 8192", 8192, 1), ("of 128", 128, 1), ("of 512", 512, 1), ("of 2048", 2048, 1), ("of all", 1 << 16, 1)]);

    /// <summary>Slices of the down product: the generator's MaxSlices.</summary>
    public static Comparison Slices(int hidden, WeightType type)
    {
        var comparison = new Comparison();
        RotatingLayers layers = comparison.Own(new RotatingLayers(SyntheticLayer.Create(hidden, type)));
        foreach (int slices in (int[])[24, 1, 8, 48])
        {
            LayerProgram[] programs = layers.Run(layer => GeneratedProgram.New(layer.InSlices(slices), type));
            foreach (SparsityMode mode in Modes)
            {
                comparison.Variants.Add(layers.Variant(mode.ToString(), $"{slices} slices", programs, mode));
            }
        }

        return comparison;
    }

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

    private static Comparison Tuned(int hidden, WeightType type, SparsityMode[] modes, (string Name, int BlockNeurons, int GroupsAhead)[] tunings)
    {
        var comparison = new Comparison();
        RotatingLayers layers = comparison.Own(new RotatingLayers(SyntheticLayer.Create(hidden, type)));
        foreach ((string name, int blockNeurons, int groupsAhead) in tunings)
        {
            LayerProgram[] programs = layers.Run(layer => Programs(type).Tuned(layer, blockNeurons, groupsAhead));
            foreach (SparsityMode mode in modes)
            {
                comparison.Variants.Add(layers.Variant(mode.ToString(), name, programs, mode));
            }
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
            layer => new RunTimeSizeProgram<T, AnyWidth<T>>(layer),
            (layer, blockNeurons, groupsAhead) => new RunTimeSizeProgram<T, AnyWidth<T>>(layer, blockNeurons, groupsAhead),
            layer => layer.Interleaved<T>(),
            layer => new InterleavedProgram<T>(layer),
            layer => new UnfusedProgram<T>(layer),
            layer => new NaiveSparseProgram<T>(layer),
            layer => new DenseGemvProgram<T>(layer));

    private static (Func<LoadedLayer, LayerProgram> Called, Func<LoadedLayer, LayerProgram> Inlined) OneWidthPrograms(WeightType type, int hidden) =>
        type switch
        {
            WeightType.F16 => OneWidthPrograms<F16>(hidden),
            WeightType.Q8_0 => OneWidthPrograms<Q8_0>(hidden),
            _ => OneWidthPrograms<Q4_0>(hidden),
        };

    private static (Func<LoadedLayer, LayerProgram> Called, Func<LoadedLayer, LayerProgram> Inlined) OneWidthPrograms<T>(int hidden)
        where T : IWeightArithmetic => hidden switch
        {
            64 => OneWidthPrograms<T, Wide64>(),
            256 => OneWidthPrograms<T, Wide256>(),
            _ => OneWidthPrograms<T, Wide288>(),
        };

    private static (Func<LoadedLayer, LayerProgram> Called, Func<LoadedLayer, LayerProgram> Inlined) OneWidthPrograms<T, TWidth>()
        where T : IWeightArithmetic
        where TWidth : struct, IWidth => (
            layer => new RunTimeSizeProgram<T, OneWidth<T, TWidth>>(layer),
            layer => new RunTimeSizeProgram<T, Inlined<T, TWidth>>(layer));

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
        Func<LoadedLayer, int, int, LayerProgram> Tuned,
        Func<LoadedLayer, LoadedLayer> Interleave,
        Func<LoadedLayer, LayerProgram> Together,
        Func<LoadedLayer, LayerProgram> Unfused,
        Func<LoadedLayer, LayerProgram> NaiveSparse,
        Func<LoadedLayer, LayerProgram> DenseGemv);
}
