using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>
/// How a model's generated programs say which tensors they want, and ask a <c>WeightBinder</c> for each: the CPU's has the table, for both.
/// </summary>
internal sealed class TensorCalls(ModelSpec spec, ModelProgram program)
{
    private const string Table = "InFile";

    /// <summary>What a program uses that has no table of its own.</summary>
    public string Import => $"{Table} = {GeneratedNames.Namespace}.{GeneratedNames.Program(spec.Target, "Cpu")}.{Table}";

    /// <summary>Those of no layer, then those of every layer; a tied head is none of its own.</summary>
    private IReadOnlyList<Tensor> Tensors { get; } =
    [
        .. program.Embed.Tensors,
        .. program.IsTied ? [] : program.Head.Tensors,
        .. program.OutputNorm.Tensors,
        .. program.AfterHead.SelectMany(operation => operation.Tensors),
        .. program.Layer.LayerTensors(),
        .. program.Layer.FeedForwardTensors(),
    ];

    /// <summary>Writes the table of all tensors.</summary>
    public void EmitTable(CodeWriter code)
    {
        code.Summary("The tensors of a file, as they were declared.");
        using (code.Block($"internal static class {Table}"))
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
                foreach (Tensor tensor in Tensors)
                {
                    code.Line(tensor.Field + ",");
                }
            }
        }
    }

    /// <summary>Writes the property that names them all.</summary>
    public static void EmitProperty(CodeWriter code) => code.Line($"public override IReadOnlyList<DeclaredTensor> Tensors => {Table}.All;");

    /// <summary>A tensor, as it comes from the binder.</summary>
    public static string Bind(Tensor tensor) => $"bind.{Kind(tensor)}({Reference(tensor)}{(tensor.IsOfLayer ? ", layer" : "")})";

    /// <summary>The weight type that a layer's feed-forward has in the file.</summary>
    public string BindType() => $"bind.TypeOf({Reference(program.Layer.FeedForwardTensors()[0])}, layer)";

    private static string Kind(Tensor tensor) => tensor.Columns is null ? "Vector" : tensor.Role == TensorRole.Down ? "Down" : "Matrix";

    private static string Reference(Tensor tensor) => $"{Table}.{tensor.Field}";

    private static string Declaration(Tensor tensor)
    {
        // In the declaration's words: errors about a file repeat them.
        string sizes = tensor.Role == TensorRole.Down ? $"hidden: {tensor.Rows.Declared}, intermediate: {tensor.Columns!.Declared}, Types"
            : tensor.Columns is { } columns ? $"rows: {tensor.Rows.Declared}, columns: {columns.Declared}, Types"
            : tensor.Rows.Declared;
        string also = tensor.IsRotary ? " { Rotary = Rotary }" : tensor.Role == TensorRole.Neurons ? " { OfFeedForward = true }" : "";
        return $"public static readonly Declared{Kind(tensor)} {tensor.Field} = new({tensor.Name}, {sizes}){also};";
    }
}
