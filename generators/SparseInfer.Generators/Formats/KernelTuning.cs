namespace SparseInfer.Generators.Formats;

/// <summary>
/// What measurements chose for a weight type: the one table to edit when a machine says otherwise. The benchmarks of
/// <c>tests/SparseInfer.Benchmarks</c> measure each column.
/// </summary>
/// <param name="GroupsAhead">
/// How many groups of four rows lie between the one that is computed and the one whose lines are fetched meanwhile. One is enough wherever a group of
/// rows exceeds what memory delivers in its own latency, some 3 KiB.
/// </param>
/// <param name="BlockNeurons">
/// Neurons predicted at a time: their surviving gate rows should outlast the change from predicting to computing, their list stay in L1.
/// </param>
/// <param name="PromptBatch">Prompt tokens that go through a layer together: a widened panel serves them all, their activations stay in L2.</param>
internal readonly record struct KernelTuning(int GroupsAhead, int BlockNeurons, int PromptBatch)
{
    public static KernelTuning Of(WeightType type) => type switch
    {
        WeightType.F32 => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 128),
        WeightType.F16 => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 128),
        WeightType.BF16 => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 128),
        WeightType.Q8_0 => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 64),
        WeightType.Q4_0 => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 64),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
