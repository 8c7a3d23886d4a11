using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>
/// In which order a GGUF file has the rows of heads: where its architecture pairs neighbours, queries and keys are turned from the half-split order
/// of safetensors, as <c>Load</c> turns them for a program that pairs neighbours.
/// </summary>
internal sealed class HeadOrder(ModelFacts facts)
{
    /// <summary>No model has larger heads.</summary>
    private const int MaxHeadDimension = 1 << 16;

    private readonly double _headDimension = facts.First(Fact.HeadDimension) ?? 0;
    private readonly double _rotated = facts.First(Fact.RopeDimensions) ?? 0;
    private readonly bool _isTurned = Architectures.Find(facts.Architecture!.WrittenAs)!.Pairing == RopePairing.Interleaved && !facts.Architecture.IsUnrotated;
    private int[]? _head;

    /// <summary>The order of a tensor's rows; null: as they are.</summary>
    /// <param name="name">The tensor's name in a GGUF file.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="rows">Of a row, the source's row.</param>
    /// <returns>What is wrong with it; null: nothing.</returns>
    public string? Of(string name, TensorInfo tensor, out Func<int, int>? rows)
    {
        rows = null;
        if (!_isTurned || !IsCompared(name))
        {
            return null;
        }

        bool areHeads = _headDimension is >= 1 and <= MaxHeadDimension && _headDimension == Math.Floor(_headDimension)
            && _rotated >= 0 && _rotated <= _headDimension && _rotated % 2 == 0;
        if (!areHeads || tensor.Shape.Count > 2 || tensor.Shape[0] % (long)_headDimension != 0)
        {
            return $"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, whose rows are no heads of "
                + $"{MetadataValue.Show(_headDimension)} rows with {MetadataValue.Show(_rotated)} of them rotated in pairs";
        }

        int size = (int)_headDimension;
        int[] head = _head ??= WeightPacking.InterleavedFromHalfSplit(size, size, (int)_rotated);
        rows = row => row - (row % size) + head[row % size];
        return null;
    }

    private static bool IsCompared(string name) => name.Contains(".attn_q.", StringComparison.Ordinal) || name.Contains(".attn_k.", StringComparison.Ordinal)
        || name.Contains(".attn_q_norm.", StringComparison.Ordinal) || name.Contains(".attn_k_norm.", StringComparison.Ordinal);
}
