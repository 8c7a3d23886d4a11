using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// What kernels of experts have beside those of a layer with one feed-forward. All experts of a layer lie in one buffer a matrix, one behind the other. A
/// launch has groups for each slice of the neurons (x), each of a token's experts (y) and each token (z); a group begins by making its views those of its
/// expert and its token, and is then any other. So the host need not know what the router chose.
/// </summary>
internal static class ExpertCode
{
    /// <summary>What was chosen: of each token as many as compute it.</summary>
    public static KernelParameter Chosen => KernelParameter.Ints("experts");

    /// <summary>Writes the function that says which of the chosen experts a group has.</summary>
    public static void EmitPlace(CodeWriter code)
    {
        code.Summary("Which of all tokens' experts a group has: y counts those of a token, z the tokens.");
        code.Line("private static int ExpertOfGroup(ArrayView<int> experts) => experts[(Grid.IdxZ * Grid.DimY) + Grid.IdxY];");
    }

    /// <summary>Writes the function that says which expert has a row of what policies compute, where y counts those of all tokens.</summary>
    public static void EmitRowPlace(CodeWriter code)
    {
        code.Summary("Which of all tokens' experts a row is of, which y counts.");
        code.Line("private static int ExpertOfRow(ArrayView<int> experts) => experts[Grid.IdxY];");
    }

    /// <summary>Writes how views become those of a group's expert and token.</summary>
    /// <param name="hasDown">Whether the kernel goes on to down.</param>
    public static void EmitStart(CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy, bool hasDown)
    {
        code.Line("// The group's expert: its part of the weights. And its token.");
        code.Line("int expert = ExpertOfGroup(experts);");
        foreach (string matrix in plan.Spec.Gated ? ["Gate", "Up"] : new[] { "Up" })
        {
            EmitPart(code, $"w.{matrix}", plan.Intermediate * plan.Row.Stride);
            if (plan.Row.IsBlock)
            {
                EmitPart(code, $"w.{matrix}Scales", plan.Intermediate * plan.Row.Scales);
            }
        }

        foreach (DerivedField derived in policy.Derived(plan))
        {
            EmitPart(code, $"w.{derived.Name}", plan.Intermediate * plan.SignWords);
        }

        foreach (Tensor vector in policy.Vectors(plan.Shape))
        {
            EmitPart(code, vector.Variable, vector.Rows.Size);
        }

        if (hasDown)
        {
            EmitDown(code, plan, Expert);
        }

        EmitRow(code, "x", "Grid.IdxZ", "HiddenQuads");
        ILookup<bool, TokenData> read = policy.Reads(plan).ToLookup(data => data.IsOfEachExpert);
        foreach (TokenData data in read[false])
        {
            EmitRow(code, data.Name, "Grid.IdxZ", $"{data.Length(plan.Hidden)}");
        }

        code.Line("int row = (Grid.IdxZ * Grid.DimY) + Grid.IdxY;");
        foreach (TokenData data in read[true])
        {
            EmitRow(code, data.Name, "row", $"{data.Length(plan.Hidden)}");
        }

        if (hasDown)
        {
            EmitRow(code, "partial", "row", "Slices * HiddenQuads");
        }
        else
        {
            EmitRow(code, "activated", "row", "ActivatedStride");
        }

        code.Line();
    }

    /// <summary>The same for a launch of down alone, whose groups of other columns are y: z counts the experts of all tokens.</summary>
    public static void EmitDownStart(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        code.Line("// The group's expert: its part of the weights, and what its neurons are.");
        EmitDown(code, plan, "experts[Grid.IdxZ]");
        EmitRow(code, "activated", "Grid.IdxZ", "ActivatedStride");
        EmitRow(code, "partial", "Grid.IdxZ", "Slices * HiddenQuads");
        code.Line();
    }

    private const string Expert = "expert";

    private static void EmitDown(CodeWriter code, IlgpuFeedForwardPlan plan, string expert)
    {
        EmitPart(code, "w.Down", plan.Intermediate * plan.Row.Stride, expert);
        if (plan.Row.IsBlock)
        {
            EmitPart(code, "w.DownScales", plan.DownScaleWords, expert);
        }
    }

    private static void EmitPart(CodeWriter code, string view, int length, string expert = Expert) =>
        code.Line($"{view} = {view}.SubView((long){expert} * {length}, {length});");

    private static void EmitRow(CodeWriter code, string view, string row, string length) => code.Line($"{view} = {view}.SubView({(length == "1" ? row : length.Contains(' ') ? $"{row} * ({length})" : $"{row} * {length}")}, {length});");
}
