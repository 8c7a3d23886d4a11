namespace SparseInfer.Generators.Formats;

/// <summary>
/// What measurements chose for a weight type on CPUs: what its file overrides when a machine says otherwise. The benchmarks of
/// <c>tests/SparseInfer.Benchmarks</c> measure each number.
/// </summary>
/// <param name="GroupsAhead">
/// How many groups of four rows lie between the one that is computed and the one whose lines are fetched meanwhile. One is enough wherever a group of
/// rows exceeds what memory delivers in its own latency, some 3 KiB. More need longer lists: 4 * GroupsAhead + 4 entries behind the last.
/// </param>
/// <param name="BlockNeurons">
/// Neurons predicted at a time. Their list has 4 bytes for each that goes on, and is read again at once; the first rows of a block are not fetched ahead, so
/// that small blocks are slower.
/// </param>
/// <param name="PromptBatch">Prompt tokens that go through a layer together: a widened panel serves them all, their activations stay in L2.</param>
internal readonly record struct KernelTuning(int GroupsAhead, int BlockNeurons, int PromptBatch);
