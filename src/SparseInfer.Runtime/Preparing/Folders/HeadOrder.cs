using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>
/// In which order a GGUF file has the rows of heads: where its architecture pairs neighbours, queries and keys are turned from the half-split order
/// of safetensors, as <c>Load</c> turns them for a program that pairs neighbours. One matrix of query, key and value has them one after the other,
/// not group by group.
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
        if (name.Contains(".attn_qkv.", StringComparison.Ordinal))
        {
            return OfFused(tensor, out rows);
        }

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

    private string? OfFused(TensorInfo tensor, out Func<int, int>? rows)
    {
        rows = null;
        double heads = facts.First(Fact.Heads) ?? 0;
        double keys = facts.First(Fact.KeyValueHeads) ?? 0;
        double total = (heads + (2 * keys)) * _headDimension;
        if (!(heads >= 1 && keys >= 1 && heads % keys == 0) || tensor.Shape.Count > 2 || tensor.Shape[0] != total || total > TensorSize.MaximumRowElements)
        {
            return $"tensor {FileText.Quote(tensor.Name)} is {FileText.Shape(tensor.Shape)}, whose rows are not those of {MetadataValue.Show(heads)} queries, "
                + $"{MetadataValue.Show(keys)} keys and as many values of {MetadataValue.Show(_headDimension)} rows";
        }

        (int queries, int others) = ((int)(heads * _headDimension), (int)(keys * _headDimension));
        RowPart query = new("", 0, queries, (int)total, (int)keys);
        RowPart key = query with { First = queries, Rows = others };
        RowPart value = key with { First = queries + others };
        rows = row => row < queries ? query.SourceRow(row) : row < queries + others ? key.SourceRow(row - queries) : value.SourceRow(row - queries - others);
        return null;
    }

    private static bool IsCompared(string name) => name.Contains(".attn_q.", StringComparison.Ordinal) || name.Contains(".attn_k.", StringComparison.Ordinal)
        || name.Contains(".attn_q_norm.", StringComparison.Ordinal) || name.Contains(".attn_k_norm.", StringComparison.Ordinal);
}
