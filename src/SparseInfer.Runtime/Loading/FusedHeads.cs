using SparseInfer.Files;
using SparseInfer.Runtime;

namespace SparseInfer.Loading;

/// <summary>
/// Query, key and value as one tensor, which files of some architectures have in place of three. In GGUF files, <c>blk.0.attn_qkv.weight</c>: the rows
/// of the queries, then those of the keys, then those of the values (llama.cpp, <c>build_qkv</c>). In safetensors of Falcon, group by group: a key's
/// queries, the key, its value (Hugging Face's <c>modeling_falcon.py</c>, <c>_split_heads</c>).
/// </summary>
internal sealed class FusedHeads
{
    private readonly ModelFacts _facts;
    private readonly Dictionary<DeclaredTensor, RowPart> _parts = [];

    /// <param name="facts">The file.</param>
    /// <param name="tensors">What a program wants.</param>
    public FusedHeads(ModelFacts facts, IReadOnlyList<DeclaredTensor> tensors)
    {
        _facts = facts;
        if (facts.File.Format != ModelFileFormat.Gguf && facts.Architecture?.FusesHeadsInGroups != true)
        {
            return;
        }

        foreach (string kind in new[] { "weight", "bias" })
        {
            AddParts(tensors, kind);
        }
    }

    /// <summary>What a tensor is a part of, where a file has it so; null: files have it alone.</summary>
    public RowPart? Of(DeclaredTensor wanted) => _parts.GetValueOrDefault(wanted);

    /// <summary>What the file calls the whole tensor of a part.</summary>
    public string NameOf(RowPart part, int layer) => Name(_facts, part.Kind, layer);

    /// <summary>What a file calls the whole tensor.</summary>
    /// <param name="facts">The file.</param>
    /// <param name="kind">What the name ends in.</param>
    /// <param name="layer">The layer.</param>
    public static string Name(ModelFacts facts, string kind, int layer) => facts.File.Format == ModelFileFormat.Gguf
        ? FormattableString.Invariant($"blk.{layer}.attn_qkv.{kind}")
        : facts.NameOf(FormattableString.Invariant($"model.layers.{layer}.self_attn.query_key_value.{kind}"));

    private void AddParts(IReadOnlyList<DeclaredTensor> tensors, string kind)
    {
        DeclaredTensor?[] heads = [.. new[] { "q", "k", "v" }.Select(head =>
            tensors.FirstOrDefault(tensor => tensor.NameIn(ModelFileFormat.Gguf, 0) == $"blk.0.attn_{head}.{kind}"))];
        if (heads.Contains(null))
        {
            return;
        }

        // Where the declaration has other heads than the file says, that is what is wrong; any number divides them then.
        double? stated = _facts.File.Format == ModelFileFormat.Gguf ? 1 : _facts.First(Fact.KeyValueHeads);
        int groups = stated is >= 1 and <= int.MaxValue && heads.All(head => Rows(head) % (int)stated == 0) ? (int)stated : 1;
        int total = heads.Sum(Rows);
        int first = 0;
        foreach (DeclaredTensor? head in heads)
        {
            _parts.Add(head!, new RowPart(kind, first, Rows(head), total, groups));
            first += Rows(head);
        }
    }

    private static int Rows(DeclaredTensor? tensor) => tensor switch { DeclaredMatrix matrix => matrix.Rows, DeclaredVector vector => vector.Length, _ => 0 };
}

/// <summary>Some rows of a tensor that several share, or some elements of a vector.</summary>
/// <param name="Kind">What its name ends in.</param>
/// <param name="First">The first row, where there is one group.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Total">Rows of all.</param>
/// <param name="Groups">Groups that the tensor's rows make, each with as many rows of every part.</param>
internal sealed record RowPart(string Kind, int First, int Rows, int Total, int Groups)
{
    /// <summary>What declares <see cref="Total"/>.</summary>
    public const string TotalText = "(Heads + 2 * KeyValueHeads) * HeadDimension";

    /// <summary>Whether its rows are not one after the other.</summary>
    public bool IsScattered => Groups > 1;

    /// <summary>Which row of the tensor one of its rows is.</summary>
    public int SourceRow(int row)
    {
        (int group, int within) = Math.DivRem(row, Rows / Groups);
        return (group * (Total / Groups)) + (First / Groups) + within;
    }
}
