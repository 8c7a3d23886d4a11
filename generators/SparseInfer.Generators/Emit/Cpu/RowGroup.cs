using SparseInfer.Generators.Plan;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>Pieces that every kernel has: four rows at a time, dotted with the input.</summary>
internal static class RowGroup
{
    /// <summary>The input, folded where the weight type wants it, and the list that the kernel fills.</summary>
    public static void EmitPrologue(CodeWriter code, FeedForwardPlan plan)
    {
        code.Line("ref float x = ref slot.Input;");
        code.Line($"float undo = {plan.Weights}.PrepareInput(ref x, ref x, PaddedHidden);");
        code.Line("ref int active = ref slot.Active;");
        code.Line("ref float value = ref slot.Values;");
        code.Line("int count = 0;");
    }

    /// <summary>Rows <c>i0</c> to <c>i0 + 3</c>; a group at the end repeats the last row.</summary>
    public static void EmitContiguous(CodeWriter code, string end) =>
        code.Line($"int i1 = Math.Min(i0 + 1, {end} - 1), i2 = Math.Min(i0 + 2, {end} - 1), i3 = Math.Min(i0 + 3, {end} - 1);");

    /// <summary>Rows named by four entries of a padded list.</summary>
    public static void EmitListed(CodeWriter code, string list) => code.Lines($$"""
        int i0 = Unsafe.Add(ref {{list}}, n), i1 = Unsafe.Add(ref {{list}}, n + 1);
        int i2 = Unsafe.Add(ref {{list}}, n + 2), i3 = Unsafe.Add(ref {{list}}, n + 3);
        """);

    /// <summary><c>name</c> = the four dot products of the input with the rows i0 to i3 of <c>matrix</c>.</summary>
    public static void EmitDot(CodeWriter code, FeedForwardPlan plan, string matrix, string name)
    {
        string bias = plan.Spec.Biases ? $"Four(w.{matrix}Bias, i0, i1, i2, i3) + " : "";
        string rows = string.Join(", ", Enumerable.Range(0, 4).Select(lane => $"ref w.{matrix}.Row(i{lane})"));
        code.Line($"Vector128<float> {name} = {bias}undo * RowDot.Four<{plan.Weights}>(");
        code.Line($"    ref x, {rows}, PaddedHidden);");
    }
}
