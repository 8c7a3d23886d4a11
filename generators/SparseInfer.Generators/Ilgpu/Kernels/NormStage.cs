using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How a group of a matrix product normalises its own copy of the input while it stages it: cheaper than a launch of one group before it.
/// Every group sums in the same order, so that all have the same bits.
/// </summary>
/// <param name="spec">The norm; its weights are <c>weight</c>, and <c>bias</c> where it has any.</param>
/// <param name="width">What the program calls the number of elements.</param>
/// <param name="quadsName">And how many fours they are, padded.</param>
/// <param name="quads">The same, as a number.</param>
/// <param name="threads">Threads of the group; a multiple of 32.</param>
internal sealed class NormStage(CodeWriter code, NormSpec spec, string width, string quadsName, int quads, int threads)
{
    /// <summary>Of the residual stream.</summary>
    public static NormStage OfResidual(CodeWriter code, IlgpuDecoderPlan plan, int threads) =>
        new(code, plan.Spec.Norm, "Hidden", "HiddenQuads", plan.HiddenQuads, threads);

    /// <summary>Of what attention made.</summary>
    public static NormStage OfAttended(CodeWriter code, IlgpuDecoderPlan plan, int threads) =>
        new(code, plan.Spec.Norm, "QueryWidth", "QueryQuads", plan.Shape.PaddedQueryWidth / 4, threads);

    /// <summary>Of what is left of the neurons.</summary>
    public static NormStage OfNeurons(CodeWriter code, IlgpuDecoderPlan plan, int threads) =>
        new(code, plan.Spec.Norm, "Intermediate", "IntermediateQuads", plan.FeedForwards[0].Shape.PaddedIntermediate / 4, threads);

    private bool LayerNorm => spec.Kind == NormKind.Layer;

    public int Threads => threads;

    /// <summary>What the program calls its fours.</summary>
    public string QuadsName => quadsName;

    /// <summary>Shared memory beside the input.</summary>
    public void EmitShared()
    {
        code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({threads / RowPlan.Lanes});");
        if (LayerNorm)
        {
            code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({threads / RowPlan.Lanes});");
        }
    }

    /// <summary>Writes what <see cref="Quad"/> needs of the residual stream <c>x</c>.</summary>
    public void EmitScale()
    {
        code.Line(LayerNorm ? "// Layer norm: mean, then variance." : "// Root mean square norm.");
        EmitSum("sum", i => LayerNorm ? $"Quad.Sum(x[{i}])" : $"Quad.SumOfSquares(x[{i}])", "sums", "total");
        if (LayerNorm)
        {
            code.Line($"float mean = total / {width};");
            EmitSum("square", i => $"Quad.SumOfSquares(Quad.Subtract(x[{i}], mean, {width} - (4 * {i})))", "squares", "variance");
        }

        code.Line(Scale(spec, LayerNorm ? "variance" : "total", width));
    }

    /// <summary>Four columns of the norm.</summary>
    /// <param name="index">Which four: a variable.</param>
    public string Quad(string index) => LayerNorm
        ? $"Quad.Affine(Quad.Subtract(x[{index}], mean, {width} - (4 * {index})), scale, weight[{index}], bias[{index}])"
        : $"Quad.Multiply(x[{index}], scale, weight[{index}])";

    /// <summary>A statement that declares <c>scale</c>.</summary>
    /// <param name="squares">The sum of the squares of a token's elements.</param>
    /// <param name="width">How many they are, as C#.</param>
    public static string Scale(NormSpec spec, string squares, string width) =>
        $"float scale = 1f / MathF.Sqrt(({squares} / {width}) + {Literal.Of(spec.Epsilon)});";

    /// <summary>Writes something for each four elements, where a thread of the group goes through them.</summary>
    /// <param name="emit">Takes the variable that says which four.</param>
    public void EmitQuads(Action<string> emit)
    {
        bool isOnce = quads <= threads;
        string i = isOnce ? "thread" : "i";
        using (quads == threads ? default(CodeWriter.Scope?)
            : code.Block(isOnce ? $"if (thread < {quadsName})" : $"for (int i = thread; i < {quadsName}; i += {threads})"))
        {
            emit(i);
        }
    }

    private void EmitSum(string sum, Func<string, string> term, string shared, string total)
    {
        if (quads == threads)
        {
            code.Line($"float {sum} = {term("thread")};");
            WarpCode.EmitGroupSum(code, threads / RowPlan.Lanes, sum, shared, total);
            return;
        }

        code.Line($"float {sum} = 0f;");
        bool isOnce = quads < threads;
        using (code.Block(isOnce ? $"if (thread < {quadsName})" : $"for (int i = thread; i < {quadsName}; i += {threads})"))
        {
            code.Line($"{sum} += {term(isOnce ? "thread" : "i")};");
        }

        code.Line();
        WarpCode.EmitGroupSum(code, threads / RowPlan.Lanes, sum, shared, total);
    }
}
