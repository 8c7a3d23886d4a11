using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Pieces of kernels in which a warp goes through rows of bits, 16 bytes a lane, four rows at a time.</summary>
internal static class BitCode
{
    /// <summary>Writes where the neurons' rows of bits begin; of one that does not exist the last row is read.</summary>
    /// <param name="isExact">Whether all of them exist.</param>
    /// <param name="isOnce">Whether a warp has four neurons; else <c>n</c> says which four.</param>
    public static void EmitRows(CodeWriter code, bool isExact, bool isOnce)
    {
        for (int k = 0; k < IlgpuFeedForwardPlan.PredictedAtOnce; k++)
        {
            code.Line($"int signRow{k} = {Neuron(isExact, isOnce, k)} * SignWords;");
        }
    }

    /// <summary>Which neuron the k-th of four rows is of, as one operand: the last where it does not exist.</summary>
    /// <inheritdoc cref="EmitRows"/>
    public static string Neuron(bool isExact, bool isOnce, int k)
    {
        string next = string.Join(" + ", new[] { "firstOfWarp", isOnce ? null : "n", k == 0 ? null : $"{k}" }.Where(part => part is not null));
        return isExact ? $"({next})" : $"({next} < Intermediate ? {next} : Intermediate - 1)";
    }

    /// <summary>Writes a lane's load of one step of a row of bits; lanes past the row's end have zeros, as the input's have there.</summary>
    /// <param name="name">A variable that is declared here.</param>
    /// <param name="row">Where the row begins, as C#; null: at the first word.</param>
    public static void EmitLoad(CodeWriter code, IlgpuFeedForwardPlan plan, string name, string view, int step, string? row)
    {
        int rest = plan.SignWords - (step * 32);
        string index = string.Join(" + ", new[] { row, "lane", step == 0 ? null : $"{32 * step}" }.Where(part => part is not null));
        if (rest >= 32)
        {
            code.Line($"Words4 {name} = {view}[{index}];");
            return;
        }

        code.Line($"Words4 {name} = default;");
        using (code.Block($"if (lane < {rest})"))
        {
            code.Line($"{name} = {view}[{index}];");
        }

        code.Line();
    }
}
