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

    /// <summary>A decoder's weights.</summary>
    /// <param name="fuses">Whether query, key and value are one tensor, where files of the family have them so.</param>
    public static DecoderWeights Weights(DecoderCase declared, bool fuses = true)
    {
        if (!HasParallelAttention(declared))
        {
            return new DecoderWeights(declared);
        }

        // The only norm, or the feed-forward's of two, is called as attention's is elsewhere.
        var weights = new DecoderWeights(declared) { FusesHeads = fuses };
        for (int layer = 0; layer < declared.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            if (HasTwoNorms(declared))
            {
                weights.RenameNorm(block + "attn_norm", block + "attn_norm_2");
                weights.RenameNorm(block + "ffn_norm", block + "attn_norm");
            }
            else
            {
                weights.RenameNorm(block + "ffn_norm", null);
            }
        }

        return weights;
    }

    /// <inheritdoc cref="DecoderReference"/>
    public static DecoderReference Reference(DecoderCase declared, DecoderWeights weights, SparsityMode mode, bool roundsInput = true) =>
        HasParallelAttention(declared) ? new ParallelReference(declared, weights, mode, roundsInput)
        : new DecoderReference(declared, weights, mode, roundsInput);

    private static bool HasParallelAttention(DecoderCase declared) => declared.Traits.Any(trait => trait.StartsWith("[ParallelAttention", StringComparison.Ordinal));

    private static bool HasTwoNorms(DecoderCase declared) => declared.Traits.Contains("[ParallelAttention(Norms = 2)]");

    private sealed class ParallelReference(DecoderCase model, DecoderWeights weights, SparsityMode mode, bool roundsInput)
        : DecoderReference(model, weights, mode, roundsInput)
    {
        private readonly bool _hasTwoNorms = HasTwoNorms(model);

        protected override double[] Layer(int layer, string block, double[] x) => Add(
            Add(x, Attention(layer, block, Norm(x, block + (_hasTwoNorms ? "attn_norm_2" : "attn_norm")))),
            FeedForward(layer, block, Norm(x, block + "attn_norm")));
    }
}
