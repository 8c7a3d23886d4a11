using SparseInfer.Generators.Program;
using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Emit;

/// <summary>How a program asks a <c>WeightBinder</c> for a tensor, as C#.</summary>
internal sealed class TensorCalls(ModelSpec spec)
{
    /// <summary>The declared types as an argument: <c>[WeightType.F16, WeightType.Q8_0]</c>.</summary>
    public string Types => "[" + string.Join(", ", spec.Weights.Select(type => $"WeightType.{type}")) + "]";

    /// <summary>A tensor that may have any declared type, or a vector.</summary>
    public string Bind(Tensor tensor) => Bind(tensor, Types);

    /// <summary>A tensor of one of these types; of a feed-forward's down, of this type.</summary>
    public string Bind(Tensor tensor, string types)
    {
        string rotary = tensor.IsRotary ? $", HeadDimension, {spec.Attention.RopeDimensions}, RopePairing.{spec.Attention.RopePairing}" : "";
        string kind = tensor.IsRotary ? "Rotary" : "";
        if (tensor.Columns is null)
        {
            return $"bind.{kind}Vector({tensor.Name}, {tensor.Rows.Name}{rotary})";
        }

        return tensor.Role == TensorRole.Down
            ? $"bind.Down({tensor.Name}, hidden: {tensor.Rows.Name}, intermediate: {tensor.Columns.Name}, {types})"
            : $"bind.{kind}Matrix({tensor.Name}, rows: {tensor.Rows.Name}, columns: {tensor.Columns.Name}{rotary}, {types})";
    }

    /// <summary>Writes how <c>type</c> becomes the weight type that a layer's feed-forward has in the file.</summary>
    public void EmitCommonType(Text.CodeWriter code, IEnumerable<Tensor> matrices)
    {
        using (code.Block("WeightType type = bind.CommonType(", "[", $"], {Types});"))
        {
            foreach (Tensor matrix in matrices)
            {
                code.Line(matrix.Name + ",");
            }
        }
    }
}
