using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Comparisons that belong into one table.</summary>
/// <param name="Title">What is compared.</param>
/// <param name="Entries">The comparisons, by name.</param>
internal sealed record AblationTable(string Title, IReadOnlyList<(string Name, Func<Comparison> Build)> Entries)
{
    private static readonly int[] Widths = [2048, 4096];
    private static readonly int[] SmallWidths = [64, 256, 288];
    private static readonly int[] LargeWidth = [4096];
    private static readonly WeightType[] Types = [WeightType.F16, WeightType.Q8_0, WeightType.Q4_0];

    public static IReadOnlyList<AblationTable> All { get; } =
    [
        new(
            $"Row kernels: a matrix of {RowMatrix<F32>.Columns} columns times a vector",
            [
                .. Rows("rows/128MiB", RowComparisons.InMemory),
                .. Rows("rows/256KiB", RowComparisons.InCache),
            ]),
        new(
            $"Prompts and batches: a matrix of {RowMatrix<F32>.Columns} columns times the inputs of some tokens",
            [
                .. Batches("products/F16", RowComparisons.Batched<F16>),
                .. Batches("products/Q8_0", RowComparisons.Batched<Q8_0>),
                .. Batches("products/Q4_0", RowComparisons.Batched<Q4_0>),
                .. Batches("products/Q5_0", RowComparisons.Batched<Q5_0>),
                .. Batches("products/Q4_K", RowComparisons.Batched<Q4_K>),
                .. Batches("products/Q6_K", RowComparisons.Batched<Q6_K>),
            ]),
        new("Feed-forward, a tenth of the neurons active", OfLayers("layer", FeedForwardComparisons.Alternatives)),
        new(
            "Specialised for the shape, and the same kernel with run-time sizes",
            OfLayers("specialised", FeedForwardComparisons.Specialised)),
        new(
            "The same for small models, whose weights stay in the caches",
            OfLayers("specialised", FeedForwardComparisons.SpecialisedSmall, SmallWidths)),
        new("Neurons in the order of how often they fire", OfLayers("order", FeedForwardComparisons.Ordered, LargeWidth)),
        new("A neuron's rows of gate and up side by side", OfLayers("interleaved", FeedForwardComparisons.Interleaved, LargeWidth)),
        new(
            "The generator's tuning and plan, the numbers in use first",
            [
                .. OfLayers("tuning/ahead", FeedForwardComparisons.GroupsAhead, LargeWidth),
                .. OfLayers("tuning/block", FeedForwardComparisons.BlockNeurons, LargeWidth),
                .. OfLayers("tuning/slices", FeedForwardComparisons.Slices, LargeWidth),
                ("tuning/prompt/F16", () => RowComparisons.PromptBatches<F16>(128, 32, 64, 256)),
                ("tuning/prompt/Q8_0", () => RowComparisons.PromptBatches<Q8_0>(128, 32, 64, 256)),
                ("tuning/prompt/Q4_0", () => RowComparisons.PromptBatches<Q4_0>(128, 32, 64, 256)),
            ]),
        new("Fused, and one operator after the other", OfLayers("fused", FeedForwardComparisons.Fused)),
        new("Prediction beside the dense layer", OfLayers("predictor", FeedForwardComparisons.Predictors)),
        new(
            "Row dot product over 128 MiB, next rows fetched ahead",
            [
                ("prefetch/F32", RowComparisons.Prefetched<F32>),
                ("prefetch/F16", RowComparisons.Prefetched<F16>),
                ("prefetch/BF16", RowComparisons.Prefetched<BF16>),
                ("prefetch/Q8_0", RowComparisons.Prefetched<Q8_0>),
                ("prefetch/Q4_0", RowComparisons.Prefetched<Q4_0>),
            ]),
        new(
            "Input channels left out, 128 MiB of matrices",
            [
                ("channels/F16", ChannelComparisons.OfType<F16>),
                ("channels/Q8_0", ChannelComparisons.OfType<Q8_0>),
                ("channels/Q4_0", ChannelComparisons.OfType<Q4_0>),
            ]),
    ];

    private static (string Name, Func<Comparison> Build)[] Rows(string name, long bytes) =>
    [
        ($"{name}/F32", () => RowComparisons.Alternatives<F32>(bytes)),
        ($"{name}/F16", () => RowComparisons.Alternatives<F16>(bytes)),
        ($"{name}/BF16", () => RowComparisons.Alternatives<BF16>(bytes)),
        ($"{name}/Q8_0", () => RowComparisons.Alternatives<Q8_0>(bytes)),
        ($"{name}/Q4_0", () => RowComparisons.Alternatives<Q4_0>(bytes)),
    ];

    private static IEnumerable<(string Name, Func<Comparison> Build)> Batches(string name, Func<int, Comparison> compare) =>
        new[] { 2, 3, 4, 8, 16, 128 }.Select(tokens => ($"{name}/{tokens}", (Func<Comparison>)(() => compare(tokens))));

    private static List<(string Name, Func<Comparison> Build)> OfLayers(
        string name, Func<int, WeightType, Comparison> compare, int[]? widths = null) =>
    [
        .. from hidden in widths ?? Widths
           from type in Types
           select ($"{name}/{hidden}x{SyntheticLayer.IntermediateOf(hidden)}/{type}", (Func<Comparison>)(() => compare(hidden, type))),
    ];
}
