using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit;

/// <summary>How far attention looks back, in generated programs of models whose layers have windows.</summary>
internal static class WindowCode
{
    public static bool Has(ModelSpec spec) => spec.Attention.Windows.Count > 0;

    /// <summary>The window of <c>layer</c>, as a call or a constant of <see cref="Emit"/>.</summary>
    public static string Of(ModelSpec spec) => IsOne(spec) ? "Window" : "WindowOf(layer)";

    /// <summary>The same, as a constant of <see cref="EmitConstant"/> or an expression. Where a layer has none, it is the whole context.</summary>
    public static string Value(ModelSpec spec) => IsOne(spec) ? "Window"
        : string.Concat(spec.Attention.Windows.Select(window => $"{LayerSet.ConditionOf(window.Layers)} ? {window.Window} : ")) + spec.Context;

    /// <summary>Writes what <see cref="Of"/> names, where there are windows.</summary>
    public static void Emit(CodeWriter code, ModelSpec spec)
    {
        EmitConstant(code, spec);
        if (Has(spec) && !IsOne(spec))
        {
            code.Line();
            code.Summary(Summary);
            code.Line($"private static int WindowOf(int layer) => {Value(spec)};");
        }
    }

    /// <summary>Writes the constant of a model whose layers have one window.</summary>
    public static void EmitConstant(CodeWriter code, ModelSpec spec)
    {
        if (IsOne(spec))
        {
            code.Line();
            code.Summary(Summary);
            code.Line($"private const int Window = {spec.Attention.Windows[0].Window};");
        }
    }

    private const string Summary = "Positions that a token attends to, its own included.";

    private static bool IsOne(ModelSpec spec) => spec.Attention.Windows.Count == 1 && spec.Attention.Windows[0].Layers.IsEvery(spec.Layers);
}
