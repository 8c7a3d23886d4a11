using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Emit;

/// <summary>How a program asks a <c>WeightBinder</c> for what a model declares, as C#.</summary>
internal sealed class TensorCalls(ModelSpec spec)
{
    /// <summary>The declared types as an argument: <c>[WeightType.F16, WeightType.Q8_0]</c>.</summary>
    public string Types => "[" + string.Join(", ", spec.Weights.Select(type => $"WeightType.{type}")) + "]";

    public static string Matrix(string name, string rows, string columns, string types) =>
        $"bind.Matrix({name}, rows: {rows}, columns: {columns}, {types})";

    public string Matrix(string name, string rows, string columns) => Matrix(name, rows, columns, Types);

    /// <summary>The matrix that leads out of a feed-forward, neuron-major.</summary>
    public static string DownMatrix(string type) =>
        $"bind.Down({LayerTensor.Down.Name()}, hidden: Hidden, intermediate: Intermediate, {type})";

    /// <summary>A query or key matrix.</summary>
    public string Rotary(LayerTensor tensor, string rows) =>
        $"bind.RotaryMatrix({tensor.Name()}, rows: {rows}, columns: Hidden, {RotaryArguments}, {Types})";

    public static string Vector(string name, string length) => $"bind.Vector({name}, {length})";

    public static string Bias(LayerTensor tensor, string length) => Vector(tensor.Name("bias"), length);

    /// <summary>A query or key bias.</summary>
    public string RotaryBias(LayerTensor tensor, string length) => $"bind.RotaryVector({tensor.Name("bias")}, {length}, {RotaryArguments})";

    private string RotaryArguments => $"HeadDimension, {spec.Attention.RopeDimensions}, RopePairing.{spec.Attention.RopePairing}";
}
