using SparseInfer.Generators.Program;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>How a generated program says which tensors it wants, and asks a <c>WeightBinder</c> for each.</summary>
internal sealed class TensorCalls(ModelSpec spec, ModelProgram program)
{
    private const string Table = "InFile";

    /// <summary>Those of no layer, then those of every layer; a tied head is none of its own.</summary>
    private IReadOnlyList<Tensor> Tensors { get; } =
    [
        .. program.Embed.Tensors,
        .. program.IsTied ? [] : program.Head.Tensors,
        .. program.OutputNorm.Tensors,
        .. program.Layer.LayerTensors(),
        .. program.Layer.FeedForwardTensors(),
    ];

    /// <summary>Writes the table of all tensors.</summary>
    public void EmitTable(CodeWriter code)
    {
        code.Summary("The tensors of a file, as they were declared.");
        using (code.Block($"private static class {Table}"))
        {
            code.Line($"private static readonly WeightType[] Types = [{string.Join(", ", spec.Weights.Select(type => $"WeightType.{type}"))}];");
            AttentionSpec attention = spec.Attention;
            code.Line($"private static readonly RotaryOrder Rotary = new(HeadDimension, {attention.RopeDimensions}, RopePairing.{attention.RopePairing});");
            code.Line();
            foreach (Tensor tensor in Tensors)
            {
                code.Line(Declaration(tensor));
            }

            code.Line();
            using (code.Block("public static readonly DeclaredTensor[] All =", "[", "];"))
            {
                foreach (string names in Rows(Tensors.Select(tensor => Name(tensor) + ","), LineBreaker.MaxLength - 12))
                {
                    code.Line(names);
                }
            }
        }

        code.Line();
        code.Line($"public override IReadOnlyList<DeclaredTensor> Tensors => {Table}.All;");
    }

    /// <summary>A tensor, as it comes from the binder.</summary>
    public static string Bind(Tensor tensor) => $"bind.{Kind(tensor)}({Reference(tensor)}{(tensor.IsOfLayer ? ", layer" : "")})";

    /// <summary>The weight type that a layer's feed-forward has in the file.</summary>
    public string BindType() => $"bind.TypeOf({Reference(program.Layer.FeedForwardTensors()[0])}, layer)";

    private static string Kind(Tensor tensor) => tensor.Columns is null ? "Vector" : tensor.Role == TensorRole.Down ? "Down" : "Matrix";

    private static string Name(Tensor tensor) => char.ToUpperInvariant(tensor.Field[0]) + tensor.Field.Substring(1);

    private static string Reference(Tensor tensor) => $"{Table}.{Name(tensor)}";

    private static string Declaration(Tensor tensor)
    {
        // In the declaration's words: errors about a file repeat them.
        string sizes = tensor.Role == TensorRole.Down ? $"hidden: {tensor.Rows.Declared}, intermediate: {tensor.Columns!.Declared}, Types"
            : tensor.Columns is { } columns ? $"rows: {tensor.Rows.Declared}, columns: {columns.Declared}, Types"
            : tensor.Rows.Declared;
        string also = tensor.IsRotary ? " { Rotary = Rotary }" : tensor.Role == TensorRole.Neurons ? " { OfFeedForward = true }" : "";
        return $"public static readonly Declared{Kind(tensor)} {Name(tensor)} = new({tensor.Name}, {sizes}){also};";
    }

    private static IEnumerable<string> Rows(IEnumerable<string> words, int length)
    {
        string row = "";
        foreach (string word in words)
        {
            if (row.Length > 0 && row.Length + 1 + word.Length > length)
            {
                yield return row;
                row = "";
            }

            row += row.Length == 0 ? word : " " + word;
        }

        yield return row;
    }
}
