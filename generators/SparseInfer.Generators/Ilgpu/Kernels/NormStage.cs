using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// How a group of a matrix product normalises its own copy of the input while it stages it: cheaper than a launch of one group before it.
/// Every group sums in the same order, so that all have the same bits.
/// </summary>
/// <param name="plan">The decoder whose norm it is.</param>
/// <param name="threads">Threads of the group; a multiple of 32.</param>
internal sealed class NormStage(CodeWriter code, IlgpuDecoderPlan plan, int threads)
{
    private bool LayerNorm => plan.Spec.Norm.Kind == NormKind.Layer;

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
            code.Line("float mean = total / Hidden;");
            EmitSum("square", i => $"Quad.SumOfSquares(Quad.Subtract(x[{i}], mean, Hidden - (4 * {i})))", "squares", "variance");
        }

        code.Line(Scale(plan.Spec, LayerNorm ? "variance" : "total"));
    }

    /// <summary>Four columns of the norm.</summary>
    /// <param name="index">Which four: a variable.</param>
    public string Quad(string index) => LayerNorm
        ? $"Quad.Affine(Quad.Subtract(x[{index}], mean, Hidden - (4 * {index})), scale, weight[{index}], bias[{index}])"
        : $"Quad.Multiply(x[{index}], scale, weight[{index}])";

    /// <summary>A statement that declares <c>scale</c>.</summary>
    /// <param name="squares">The sum of the squares of a token's columns.</param>
    public static string Scale(ModelSpec spec, string squares) =>
        $"float scale = 1f / MathF.Sqrt(({squares} / Hidden) + {Literal.Of(spec.Norm.Epsilon)});";

    private void EmitSum(string sum, Func<string, string> term, string shared, string total)
    {
        if (plan.HiddenQuads == threads)
        {
            code.Line($"float {sum} = {term("thread")};");
            WarpCode.EmitGroupSum(code, threads / RowPlan.Lanes, sum, shared, total);
            return;
        }

        code.Line($"float {sum} = 0f;");
        bool isOnce = plan.HiddenQuads < threads;
        using (code.Block(isOnce ? "if (thread < HiddenQuads)" : $"for (int i = thread; i < HiddenQuads; i += {threads})"))
        {
            code.Line($"{sum} += {term(isOnce ? "thread" : "i")};");
        }

        code.Line();
        WarpCode.EmitGroupSum(code, threads / RowPlan.Lanes, sum, shared, total);
    }
}
