using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Pieces that every kernel has: four rows at a time, dotted with the input.</summary>
internal static class RowGroup
{
    /// <summary>Whether a kernel has dot products with the input: where gates are there, only those of up are left.</summary>
    public static bool NeedsInput(FeedForwardPlan plan) => plan.Spec.Gated || !plan.NeedsAllGates;

    /// <summary>Whether a kernel prepares the input for them: where gates are there, it has been.</summary>
    public static bool PreparesInput(FeedForwardPlan plan) => !plan.NeedsAllGates;

    /// <summary>The input, in the form that the weight type's dot products want it.</summary>
    public static void EmitInput(CodeWriter code, FeedForwardPlan plan) => code.Lines($"""
        ref float prepared = ref slot.PreparedInput;
        float undo = {plan.Weights}.PrepareInput(ref x, ref prepared, PaddedHidden);
        """);

    /// <summary>The same, where it is there.</summary>
    public static void EmitPreparedInput(CodeWriter code) => code.Lines("""
        ref float prepared = ref slot.PreparedInput;
        float undo = slot.Undo;
        """);

    /// <summary>What a kernel does for each of its tokens.</summary>
    public static CodeWriter.Scope ForTokens(CodeWriter code)
    {
        // C# 12 has no foreach over a span of .NET 10, whose enumerator is a ref struct with interfaces.
        CodeWriter.Scope scope = code.Block("for (int token = 0; token < slots.Length; token++)");
        code.Line("FeedForwardSlot slot = slots[token];");
        return scope;
    }

    /// <summary>What a kernel does for each block of neurons, <c>block</c> to <c>end</c>.</summary>
    public static CodeWriter.Scope ForBlocks(CodeWriter code, FeedForwardPlan plan)
    {
        string step = $"{plan.BlockNeurons}";
        if (plan.SharedNeurons < plan.BlockNeurons)
        {
            code.Line("// Several tokens share a block's rows: these stay in the second-level cache.");
            code.Line($"int step = slots.Length == 1 ? {plan.BlockNeurons} : {plan.SharedNeurons};");
            step = "step";
        }

        CodeWriter.Scope scope = code.Block($"for (int block = from; block < to; block += {step})");
        code.Line($"int end = Math.Min(block + {step}, to);");
        return scope;
    }

    /// <summary>The list that the kernel fills.</summary>
    /// <param name="count">Neurons that are on it already, as C#.</param>
    public static void EmitList(CodeWriter code, string count) => code.Lines($"""
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        int count = {count};
        """);

    /// <summary>Rows <c>i0</c> to <c>i0 + 3</c>; a group at the end repeats the last row.</summary>
    public static void EmitContiguous(CodeWriter code, string end) =>
        code.Line($"int i1 = Math.Min(i0 + 1, {end} - 1), i2 = Math.Min(i0 + 2, {end} - 1), i3 = Math.Min(i0 + 3, {end} - 1);");

    /// <summary>Rows named by four entries of a padded list.</summary>
    public static void EmitListed(CodeWriter code, string list) => code.Lines($$"""
        int i0 = Unsafe.Add(ref {{list}}, n), i1 = Unsafe.Add(ref {{list}}, n + 1);
        int i2 = Unsafe.Add(ref {{list}}, n + 2), i3 = Unsafe.Add(ref {{list}}, n + 3);
        """);

    /// <summary><c>name</c> = the four dot products of the prepared input with the rows i0 to i3 of <c>matrix</c>.</summary>
    /// <param name="rows">The rows: an expression of type FourRows.</param>
    /// <param name="next">The rows that come next.</param>
    public static void EmitDot(CodeWriter code, FeedForwardPlan plan, string matrix, string name, string rows, string next)
    {
        string bias = plan.Spec.Biases ? $"Four(w.{matrix}Bias, i0, i1, i2, i3) + " : "";
        code.Line($"Vector128<float> {name} = {bias}undo * RowDot.Four<{plan.Weights}>(");
        code.Line($"    ref prepared, {rows}, next: {next}, PaddedHidden);");
    }

    /// <summary><c>name</c> = how far the four gates from <c>i0</c> on, which are there, lie above the cut.</summary>
    public static void EmitAboveCut(CodeWriter code, string name) =>
        code.Line($"Vector128<float> {name} = Vector128.LoadUnsafe(ref gates, (nuint)(i0 - from)) - Vector128.Create(slot.Cut);");

    /// <summary>Rows <c>i0</c> to <c>i3</c>.</summary>
    public static string Rows(string matrix) => $"w.{matrix}.Four(i0, i1, i2, i3)";

    /// <summary>The group that follows rows <c>i0</c> to <c>i3</c> in the matrix.</summary>
    public static string NextRows(string matrix, FeedForwardPlan plan) => $"w.{matrix}.Four(i0 + {4 * plan.Tuning.GroupsAhead})";

    /// <summary>Rows named by four entries of a padded list, from <c>n</c> on.</summary>
    public static string Listed(string matrix, string list) => $"w.{matrix}.Four(ref {list}, n)";

    /// <summary>The group that follows them in the list.</summary>
    public static string NextListed(string matrix, string list, FeedForwardPlan plan) =>
        $"w.{matrix}.Four(ref {list}, n + {4 * plan.Tuning.GroupsAhead})";
}
