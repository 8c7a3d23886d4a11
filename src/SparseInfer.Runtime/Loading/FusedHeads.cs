using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Loading;

/// <summary>
/// Query, key and value as one tensor, <c>blk.0.attn_qkv.weight</c>, which GGUF files of some architectures have in place of three: the rows of
/// the queries, then those of the keys, then those of the values (llama.cpp, <c>build_qkv</c>).
/// </summary>
/// <param name="tensors">What a program wants.</param>
internal sealed class FusedHeads(IReadOnlyList<DeclaredTensor> tensors)
{
    private readonly Dictionary<DeclaredTensor, RowPart> _parts = Find(tensors, "weight").Concat(Find(tensors, "bias")).ToDictionary();

    /// <summary>What a tensor is a part of, where a file has it so; null: files have it alone.</summary>
    public RowPart? Of(DeclaredTensor wanted) => _parts.TryGetValue(wanted, out RowPart part) ? part : null;

    private static IEnumerable<KeyValuePair<DeclaredTensor, RowPart>> Find(IReadOnlyList<DeclaredTensor> tensors, string kind)
    {
        DeclaredTensor?[] heads = [.. new[] { "q", "k", "v" }.Select(head =>
            tensors.FirstOrDefault(tensor => tensor.NameIn(ModelFileFormat.Gguf, 0) == $"blk.0.attn_{head}.{kind}"))];
        int total = heads.Sum(Rows);
        int first = 0;
        foreach (DeclaredTensor? head in heads.Contains(null) ? [] : heads)
        {
            yield return new(head!, new RowPart(kind, first, total));
            first += Rows(head);
        }
    }

    private static int Rows(DeclaredTensor? tensor) => tensor switch { DeclaredMatrix matrix => matrix.Rows, DeclaredVector vector => vector.Length, _ => 0 };
}

/// <summary>Some rows of a tensor that several share, or some elements of a vector.</summary>
/// <param name="Kind">What its name ends in.</param>
/// <param name="First">The first row.</param>
/// <param name="Total">Rows of all.</param>
internal readonly record struct RowPart(string Kind, int First, int Total)
{
    /// <summary>What declares <see cref="Total"/>.</summary>
    public const string TotalText = "(Heads + 2 * KeyValueHeads) * HeadDimension";

    /// <summary>The whole tensor's name in a GGUF file.</summary>
    public string NameIn(int layer) => FormattableString.Invariant($"blk.{layer}.attn_qkv.{Kind}");
}
