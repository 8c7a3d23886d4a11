using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// The norm between neurons and down: <c>down(h * scale * weight)</c> is <c>scale * down(h * weight)</c>. So a group multiplies its neurons by their
/// weights, and leaves the sum of their squares; the launch that adds up the groups' sums knows the squares of all, and scales. No launch is added, and
/// what is zero is still skipped.
/// </summary>
internal static class NeuronNorm
{
    /// <summary>What kernels call the weights, a factor for each neuron.</summary>
    public const string Weights = "NeuronNorm";

    /// <summary>What groups leave: a sum for each slice of each token.</summary>
    public static KernelParameter Squares => KernelParameter.Floats("squares");

    /// <summary>What a single token's kernel keeps of its slice in shared memory, neuron by neuron: zero of those that are skipped.</summary>
    public static void EmitShared(CodeWriter code) => code.Line("ArrayView<float> activations = SharedMemory.Allocate<float>(SliceNeurons);");

    /// <summary>Writes that nothing is there yet.</summary>
    public static void EmitStart(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        using (plan.SliceNeurons == plan.Threads ? default(CodeWriter.Scope?) : code.Block("if (thread < SliceNeurons)"))
        {
            code.Line("activations[thread] = 0f;");
        }

        code.Line();
    }

    /// <summary>Writes what becomes of a neuron.</summary>
    /// <returns>What down's row is multiplied with.</returns>
    public static string Emit(CodeWriter code, string value)
    {
        code.Line($"float weighted = {value} * w.{Weights}[neuron];");
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"activations[neuron - first] = {value};");
        }

        code.Line();
        return "weighted";
    }

    /// <summary>Writes the sum of a slice's squares, in the order of the neurons: which of them are skipped changes no bit.</summary>
    public static void EmitSquares(CodeWriter code, IlgpuFeedForwardPlan plan)
    {
        code.Line("// The squares of the slice's neurons, each lane every 32nd: those that are skipped add zero.");
        using (code.Block("if (warp == 0)"))
        {
            EmitSum(code, plan, "SliceNeurons", "activations[nth]", "Grid.IdxX");
        }

        code.Line();
    }

    /// <summary>The same of several tokens, in the same order, a token for a warp.</summary>
    public static void EmitSquares(CodeWriter code, TogetherPlan plan)
    {
        IlgpuFeedForwardPlan single = plan.Single;
        code.Line("// The squares of the slice's neurons, a token for a warp, each lane every 32nd.");
        using (plan.DownTiles == 1 ? default(CodeWriter.Scope?) : code.Block("if (Grid.IdxY == 0)"))
        {
            if (!single.IsExact)
            {
                code.Line("int count = first + SliceNeurons < Intermediate ? SliceNeurons : Intermediate - first;");
            }

            using (code.Block($"for (int token = warp; token < tokens; token += {plan.DownWarps})"))
            {
                EmitSum(code, single, single.IsExact ? "SliceNeurons" : "count", "activated[(token * ActivatedStride) + first + nth]", "(token * Slices) + Grid.IdxX");
            }
        }

        code.Line();
    }

    private static void EmitSum(CodeWriter code, IlgpuFeedForwardPlan plan, string count, string activation, string place)
    {
        code.Line("float square = 0f;");
        if (plan.SliceNeurons > RowPlan.Lanes)
        {
            using (code.Block($"for (int nth = lane; nth < {count}; nth += 32)"))
            {
                EmitSquare();
            }
        }
        else
        {
            code.Line("int nth = lane;");
            using (plan.SliceNeurons == RowPlan.Lanes && count == "SliceNeurons" ? default(CodeWriter.Scope?) : code.Block($"if (nth < {count})"))
            {
                EmitSquare();
            }
        }

        code.Line();
        code.Line("square = Lanes.Sum(square);");
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"squares[{place}] = square;");
        }

        void EmitSquare()
        {
            code.Line($"float activation = {activation};");
            code.Line("square += activation * activation;");
        }
    }

    /// <summary>Writes what a token's sum is scaled by, <c>scale</c>: every warp that has some of its columns works out the same.</summary>
    /// <param name="lane">The lane's number, as C#.</param>
    public static void EmitScale(CodeWriter code, IlgpuFeedForwardPlan plan, NormSpec norm, string lane)
    {
        code.Line();
        code.Line("// Root mean square of the neurons: every warp sums the slices' squares in the same order.");
        code.Line("float square = 0f;");
        using (WarpCode.ForEach(code, "ofSlice", lane, plan.Slices, RowPlan.Lanes))
        {
            code.Line($"square += squares[(Grid.IdxY * {plan.Slices}) + ofSlice];");
        }

        code.Line();
        code.Line("square = Lanes.Sum(square);");
        code.Line(NormStage.Scale(norm, "square", "Intermediate"));
        code.Line();
    }
}
