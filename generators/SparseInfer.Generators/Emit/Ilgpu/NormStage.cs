using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>
/// How a group of a matrix product normalises its own copy of the input while it stages it: cheaper than a launch of one group before it.
/// Every group sums in the same order, so that all have the same bits.
/// </summary>
/// <param name="row">The rows that the input meets.</param>
internal sealed class NormStage(CodeWriter code, IlgpuDecoderPlan plan, RowPlan row)
{
    private const int Threads = IlgpuDecoderPlan.RowThreads;

    private bool LayerNorm => plan.Spec.Norm.Kind == NormKind.Layer;

    private bool IsPadded => row.InputQuads != plan.HiddenQuads;

    /// <summary>Shared memory beside the input.</summary>
    public void EmitShared()
    {
        code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({IlgpuDecoderPlan.RowWarps});");
        if (LayerNorm)
        {
            code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({IlgpuDecoderPlan.RowWarps});");
        }
    }

    /// <summary>Writes how <c>input</c> becomes the norm of <c>x</c>, in the order of <see cref="WarpCode.EmitStage"/>.</summary>
    public void Emit()
    {
        code.Line("// The residual stream, where the lanes of a warp read it without bank conflicts; normalised there.");
        if (row.InputQuads == Threads)
        {
            WarpCode.ForStaged(code, row, Threads, (_, source) => code.Line($"int quad = {source};"));
        }

        code.Line("float sum = 0f;");
        ForQuads(i =>
        {
            code.Line(IsPadded ? "Float4 columns = default;" : "Float4 columns = x[quad];");
            if (IsPadded)
            {
                using (code.Block("if (quad < HiddenQuads)"))
                {
                    code.Line("columns = x[quad];");
                }

                code.Line();
            }

            code.Line($"sum += Quad.{(LayerNorm ? "Sum" : "SumOfSquares")}(columns);");
            code.Line($"input[{i}] = columns;");
        });
        code.Line();
        WarpCode.EmitGroupSum(code, IlgpuDecoderPlan.RowWarps, "sum", "sums", "total");
        string scaled = "total";
        if (LayerNorm)
        {
            code.Line("float mean = total / Hidden;");
            code.Line("float square = 0f;");
            ForQuads(i =>
            {
                code.Line($"Float4 centred = Quad.Subtract(input[{i}], mean, Hidden - (4 * quad));");
                code.Line("square += Quad.SumOfSquares(centred);");
                code.Line($"input[{i}] = centred;");
            });
            code.Line();
            WarpCode.EmitGroupSum(code, IlgpuDecoderPlan.RowWarps, "square", "squares", "variance");
            scaled = "variance";
        }

        code.Line(NormKernels.Scale(plan.Spec, scaled));
        ForQuads(i =>
        {
            using (IsPadded ? code.Block("if (quad < HiddenQuads)") : default(CodeWriter.Scope?))
            {
                string bias = LayerNorm ? ", bias[quad]" : "";
                code.Line($"input[{i}] = Quad.{(LayerNorm ? "Affine" : "Multiply")}(input[{i}], scale, weight[quad]{bias});");
            }
        });
    }

    /// <summary>Writes something for each quad that a thread stages: always the same ones. <c>quad</c> is which of the input's it is.</summary>
    private void ForQuads(Action<string> emit) => WarpCode.ForStaged(code, row, Threads, (i, source) =>
    {
        if (row.InputQuads != Threads)
        {
            code.Line($"int quad = {source};");
        }

        emit(i);
    });
}
