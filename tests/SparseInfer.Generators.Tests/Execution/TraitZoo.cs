namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Decoders with traits that families have: as they are declared, their weights as files have them, and what they compute in double precision.</summary>
internal static class TraitZoo
{
    /// <summary>Falcon-7B and Falcon-40B with ReLU, query, key and value as one tensor.</summary>
    public static IReadOnlyList<DecoderCase> Parallel { get; } =
    [
        new("Falcon7B")
        {
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            KeyValueHeads = 1,
            Gated = false,
            Tied = true,
            Alphas = [1m, null, 1.1m],
            Traits = ["[ParallelAttention]"],
            File = ("falcon", []),
        },
        new("Falcon40B")
        {
            LayerNorm = true,
            Pairing = RopePairing.HalfSplit,
            QueryKeyValueBiases = true,
            OutputBias = true,
            Gated = false,
            Weights = [WeightType.F16],
            Traits = ["[ParallelAttention(Norms = 2)]"],
            File = ("falcon", []),
        },
    ];

    /// <summary>BitNet's decoder, and others of several slices of neurons whose heads are wider than the residual stream.</summary>
    public static IReadOnlyList<DecoderCase> SubNorms { get; } =
    [
        new("BitNet")
        {
            Pairing = RopePairing.HalfSplit,
            Activation = Activation.SquaredRelu,
            Tied = true,
            Alphas = [1m, null, 1.1m],
            Traits = ["[SubNorms]"],
            File = ("bitnet", []),
        },
        new("BitNetWide")
        {
            Pairing = RopePairing.HalfSplit,
            DeclaredHeadDimension = 24,
            Intermediate = 333,
            Activation = Activation.SquaredRelu,
            FeedForwardBiases = true,
            OutputBias = true,
            Weights = [WeightType.F16, WeightType.F32],
            Traits = ["[SubNorms]"],
            File = ("bitnet", []),
        },
    ];

    /// <summary>The same in a block type, which GPUs compute in other kernels.</summary>
    public static IReadOnlyList<DecoderCase> SubNormsOfBlocks { get; } =
    [
        SubNorms[1] with { Name = "BitNetBlocks", DeclaredHeadDimension = 32, Intermediate = 352, Alphas = [1m, null, 1.1m], Weights = [WeightType.Q8_0] },
    ];

    /// <summary>The same where down has another type than gate and up: GPUs weigh neurons in the launch that has down.</summary>
    public static DecoderCase SubNormsOfMixedTypes { get; } = SubNorms[1] with { Name = "BitNetMixed", MixesDown = true };

    /// <summary>All of these.</summary>
    public static IEnumerable<DecoderCase> All => [.. Parallel, .. SubNorms, .. SubNormsOfBlocks, SubNormsOfMixedTypes];

    /// <summary>What families have, all in one: a decoder that nobody published. No double-precision reference computes it.</summary>
    public static DecoderCase Together { get; } = new("EveryBlock")
    {
        HasArchitecture = false,
        DeclaredHeadDimension = 20,
        DeclaredRopeDimensions = 12,
        QueryKeyNorms = true,
        QueryKeyValueBiases = true,
        OutputBias = true,
        FeedForwardBiases = true,
        Activation = Activation.SquaredRelu,
        Alphas = [1m, null, 1.1m],
        Window = layer => layer == 1 ? 4 : null,
        Traits = ["[SubNorms]", "[ParallelAttention(Norms = 2)]", "[Scales(Residual = 0.5f, Logits = 0.25f)]", "[SlidingWindow(Window = 4, Layers = \"1\")]"],
        Weights = [WeightType.F16],
    };

    /// <summary>A decoder's weights.</summary>
    /// <param name="fuses">Whether query, key and value are one tensor, where files of the family have them so.</param>
    public static DecoderWeights Weights(DecoderCase declared, bool fuses = true)
    {
        var weights = new DecoderWeights(declared) { FusesHeads = fuses && declared.File?.Architecture == "falcon" };
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            if (HasSubNorms(declared))
            {
                weights.AddVector(block + "attn_sub_norm.weight", declared.Heads * declared.HeadDimension, around: 1);
                weights.AddVector(block + "ffn_sub_norm.weight", declared.Intermediate, around: 1);
            }

            // The only norm, or the feed-forward's of two, is called as attention's is elsewhere.
            if (HasTwoNorms(declared))
            {
                weights.RenameNorm(block + "attn_norm", block + "attn_norm_2");
                weights.RenameNorm(block + "ffn_norm", block + "attn_norm");
            }
            else if (HasParallelAttention(declared))
            {
                weights.RenameNorm(block + "ffn_norm", null);
            }
        }

        return weights;
    }

    /// <inheritdoc cref="DecoderReference"/>
    public static DecoderReference Reference(DecoderCase declared, DecoderWeights weights, SparsityMode mode, bool roundsInput = true, bool onGpu = false) =>
        HasSubNorms(declared) ? new SubNormsReference(declared, weights, mode, roundsInput, onGpu)
        : HasParallelAttention(declared) ? new ParallelReference(declared, weights, mode, roundsInput, onGpu)
        : new DecoderReference(declared, weights, mode, roundsInput, onGpu);

    private static bool HasSubNorms(DecoderCase declared) => declared.Traits.Contains("[SubNorms]");

    private static bool HasParallelAttention(DecoderCase declared) => declared.Traits.Any(trait => trait.StartsWith("[ParallelAttention", StringComparison.Ordinal));

    private static bool HasTwoNorms(DecoderCase declared) => declared.Traits.Contains("[ParallelAttention(Norms = 2)]");

    private sealed class ParallelReference(DecoderCase model, DecoderWeights weights, SparsityMode mode, bool roundsInput, bool onGpu)
        : DecoderReference(model, weights, mode, roundsInput, onGpu)
    {
        private readonly bool _hasTwoNorms = HasTwoNorms(model);

        protected override double[] Layer(int layer, string block, double[] x) => Add(
            Add(x, Attention(layer, block, Norm(x, block + (_hasTwoNorms ? "attn_norm_2" : "attn_norm")))),
            FeedForward(layer, block, x, x, Norm(x, block + "attn_norm")));
    }

    /// <summary>A neuron that the predictor leaves out is zero in the norm, too: that is what Predicted means here.</summary>
    private sealed class SubNormsReference(DecoderCase model, DecoderWeights weights, SparsityMode mode, bool roundsInput, bool onGpu)
        : DecoderReference(model, weights, mode, roundsInput, onGpu)
    {
        protected override double[] Attended(string block, double[] x) => Norm(x, block + "attn_sub_norm");

        protected override double[] Activated(string block, double[] h) => Norm(h, block + "ffn_sub_norm");
    }
}
