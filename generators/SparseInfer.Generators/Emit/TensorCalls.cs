using SparseInfer.Generators.Spec;

namespace SparseInfer.Generators.Emit;

/// <summary>How a program asks a <c>WeightBinder</c> for what a model declares, as C#.</summary>
internal sealed class TensorCalls(ModelSpec spec)
{
    /// <summary>Field and names of the matrix that leads out of a feed-forward.</summary>
    public static readonly (string Field, string Gguf, string HuggingFace) Down = ("Down", "ffn_down", "mlp.down_proj");

    /// <summary>Fields and names of the matrices whose rows are dotted with a feed-forward's input.</summary>
    public static (string Field, string Gguf, string HuggingFace)[] FeedForwardMatrices(FeedForwardSpec spec) => spec.Gated
        ? [("Gate", "ffn_gate", "mlp.gate_proj"), ("Up", "ffn_up", "mlp.up_proj")]
        : [("Up", "ffn_up", "mlp.up_proj")];

    /// <summary>The declared types as an argument: <c>[WeightType.F16, WeightType.Q8_0]</c>.</summary>
    public string Types => "[" + string.Join(", ", spec.Weights.Select(type => $"WeightType.{type}")) + "]";

    public static string Matrix(string name, string rows, string columns, string types) =>
        $"bind.Matrix({name}, rows: {rows}, columns: {columns}, {types})";

    public string Matrix(string name, string rows, string columns) => Matrix(name, rows, columns, Types);

    /// <summary>A query or key matrix.</summary>
    public string Rotary(string name, string rows) => $"bind.RotaryMatrix({name}, rows: {rows}, columns: Hidden, {RotaryArguments}, {Types})";

    public static string Vector(string name, string length) => $"bind.Vector({name}, {length})";

    /// <summary>A query or key bias.</summary>
    public string RotaryVector(string name, string length) => $"bind.RotaryVector({name}, {length}, {RotaryArguments})";

    private string RotaryArguments => $"HeadDimension, {spec.Attention.RopeDimensions}, RopePairing.{spec.Attention.RopePairing}";
}
