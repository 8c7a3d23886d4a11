using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>
/// How generated code calls a primitive for a matrix: straight, where the model declares one weight type; through a small
/// switch that is emitted with it, where a file may mix several.
/// </summary>
internal sealed class WeightCalls(EquatableArray<WeightType> types)
{
    public bool Single => types.Count == 1;

    private bool Folds => types.Contains(WeightType.F16);

    /// <summary>Whether inputs are kept twice, as they are and folded for F16.</summary>
    public bool NeedsFolded => !Single && Folds;

    public string FieldType => Single ? "WeightMatrix" : "StoredMatrix";

    /// <summary>The declared types as arguments: <c>[WeightType.F16, WeightType.Q8_0]</c>.</summary>
    public string TypeArguments => "[" + string.Join(", ", types.Select(type => $"WeightType.{type}")) + "]";

    public string Bind(string call) => Single ? call + ".Weights" : call;

    /// <summary>
    /// Writes how <paramref name="source"/> becomes this worker's <c>input</c>: folded in place where all matrices want it so, beside
    /// it as <c>folded</c> where only some do. Sets <paramref name="undo"/>.
    /// </summary>
    public void EmitPrepare(CodeWriter code, string undo, string source, string padded)
    {
        if (Single)
        {
            code.Line($"{undo} = {types[0]}.PrepareInput(ref {source}, ref input, {padded});");
            return;
        }

        if (source != "input")
        {
            code.Line($"MemoryMarshal.CreateSpan(ref {source}, {padded}).CopyTo(MemoryMarshal.CreateSpan(ref input, {padded}));");
        }

        if (Folds)
        {
            code.Line($"{undo} = F16.PrepareInput(ref input, ref folded, {padded});");
        }
    }

    public string Multiply(string matrix, string from, string to, string padded, string input, string y) => Single
        ? $"MatrixVector.Multiply<{types[0]}>(in {matrix}, {from}, {to}, {padded}, ref {input}, undo, ref {y});"
        : $"Multiply(in {matrix}, {from}, {to}, {padded}, ref {input}, {(Folds ? "ref folded, undo, " : "")}ref {y});";

    public string MultiplyBatch(string matrix, string from, string to, string padded, string input, string inputStride, string tokens, string y, string yStride) => Single
        ? $"MatrixMatrix.Multiply<{types[0]}>(in {matrix}, {from}, {to}, {padded}, ref {input}, {inputStride}, {tokens}, ref {y}, {yStride}, panel);"
        : $"Multiply(in {matrix}, {from}, {to}, {padded}, ref {input}, {inputStride}, {tokens}, ref {y}, {yStride}, panel);";

    public string Widen(string matrix, string row, string destination) => Single
        ? $"EmbeddingRow.Widen<{types[0]}>(in {matrix}, {row}, ref {destination}, PaddedHidden);"
        : $"Widen(in {matrix}, {row}, ref {destination});";

    /// <summary>The switches that the calls above go through, where there are several types.</summary>
    public void EmitHelpers(CodeWriter code)
    {
        if (Single)
        {
            return;
        }

        string folded = Folds ? "ref float folded, float undo, " : "";
        code.Line();
        using (code.Block($"private static void Multiply(in StoredMatrix w, int from, int to, int padded, ref float input, {folded}ref float y)"))
        {
            EmitSwitch(code, type => $"MatrixVector.Multiply<{type}>(in w.Weights, from, to, padded, {(type == WeightType.F16 ? "ref folded, undo" : "ref input, 1f")}, ref y);");
        }

        code.Line();
        using (code.Block("private static void Multiply(in StoredMatrix w, int from, int to, int padded, ref float x, int xStride, int tokens, ref float y, int yStride, Span<float> panel)"))
        {
            EmitSwitch(code, type => $"MatrixMatrix.Multiply<{type}>(in w.Weights, from, to, padded, ref x, xStride, tokens, ref y, yStride, panel);");
        }

        code.Line();
        using (code.Block("private static void Widen(in StoredMatrix w, int row, ref float destination)"))
        {
            EmitSwitch(code, type => $"EmbeddingRow.Widen<{type}>(in w.Weights, row, ref destination, PaddedHidden);");
        }
    }

    private void EmitSwitch(CodeWriter code, System.Func<WeightType, string> call)
    {
        using (code.Block("switch (w.Type)"))
        {
            foreach (WeightType type in types)
            {
                code.Line(type.Equals(types[types.Count - 1]) ? "default:" : $"case WeightType.{type}:");
                code.Line("    " + call(type));
                code.Line("    break;");
            }
        }
    }
}
