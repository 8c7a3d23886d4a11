using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Emit.Ilgpu;

/// <summary>
/// Kernels that end in a norm: a group has a token's residual stream in registers, changes it, normalises it and packs the signs of the
/// result. They differ in what is added to the stream.
/// </summary>
/// <param name="packsSigns">Whether a predictor reads the signs.</param>
internal sealed class NormKernels(CodeWriter code, IlgpuDecoderPlan plan, bool packsSigns)
{
    private readonly ModelSpec _spec = plan.Spec;
    private readonly int _threads = plan.NormThreads;
    private readonly int _quads = plan.HiddenQuads;

    private bool LayerNorm => _spec.Norm.Kind == NormKind.Layer;

    /// <summary>What all of them take after their own parameters.</summary>
    private IEnumerable<KernelParameter> Shared
    {
        get
        {
            yield return KernelParameter.Quads("x");
            yield return KernelParameter.Quads("weight");
            if (LayerNorm)
            {
                yield return KernelParameter.Quads("bias");
            }

            yield return KernelParameter.Quads("normed");
            if (packsSigns)
            {
                yield return KernelParameter.UInts("signs");
            }
        }
    }

    public DeviceKernel Embed(WeightType type)
    {
        RowPlan row = RowPlan.Of(type, _spec.Hidden);
        IEnumerable<KernelParameter> own = row.IsBlock
            ? [KernelParameter.Words("embedding"), KernelParameter.Scales("scales"), KernelParameter.Ints("tokens")]
            : [KernelParameter.Words("embedding"), KernelParameter.Ints("tokens")];
        return new DeviceKernel(
            $"Embed{type}",
            "A token's embedding becomes its residual stream, and is normalised for the first layer. A group a token.",
            [.. own, .. Shared],
            () =>
            {
                EmitStart();
                code.Line("int token = tokens[Grid.IdxX];");
                using (code.Block($"for (int k = thread; k < {row.Words}; k += {_threads})"))
                {
                    code.Line($"Words4 words = embedding[(token * {row.Words}) + k];");
                    string scale = "";
                    if (row.IsBlock)
                    {
                        code.Line($"ushort blockScale = scales[(token * {row.Scales}) + {(row.Quads == 8 ? "k" : "(k / 2)")}];");
                        scale = ", blockScale";
                    }

                    for (int j = 0; j < row.Quads; j++)
                    {
                        string quad = $"{type}.Widen{j}(words{scale})";
                        string scaled = _spec.Embedding.Scale == 1f ? quad : $"Quad.Scale({quad}, {Literal.Of(_spec.Embedding.Scale)})";
                        code.Line($"Float4 quad{j} = {scaled};");
                        code.Line($"x[start + {(row.Quads == 1 ? "k" : $"(k * {row.Quads})")}{(j == 0 ? "" : $" + {j}")}] = quad{j};");
                    }
                }

                code.Line();
                code.Line("Group.Barrier();");
                EmitLoad();
                EmitNorm();
            });
    }

    public DeviceKernel Add() => new(
        "AddNorm",
        "Adds what a matrix product left to the residual stream, and normalises the sum. A group a token.",
        [KernelParameter.Quads("added"), .. Shared],
        () =>
        {
            EmitStart();
            EmitLoad();
            ForSteps(step => code.Line($"x{step} = Quad.Add(x{step}, added[start + i{step}]);"));
            EmitStore();
            EmitNorm();
        });

    /// <summary>After a feed-forward.</summary>
    public DeviceKernel Join(IlgpuFeedForwardPlan feedForward)
    {
        IEnumerable<KernelParameter> own = _spec.FeedForward.Biases
            ? [KernelParameter.Quads("partial"), KernelParameter.Quads("downBias")]
            : [KernelParameter.Quads("partial")];
        return new DeviceKernel(
            $"JoinNorm{feedForward.Weights}",
            "Adds the groups' partial sums of down in ascending order, then the residual stream, and normalises for what comes next. One group.",
            [.. own, .. Shared],
            () =>
            {
                EmitStart();
                ForSteps(
                    step => QuadCode.EmitSlices(code, feedForward, $"sum{step}", $"i{step}", $"place{step}"),
                    step => code.Line($"Float4 sum{step} = default;"));
                EmitLoad();
                ForSteps(step => code.Line($"x{step} = Quad.Add(x{step}, sum{step});"));
                EmitStore();
                EmitNorm();
            });
    }

    private void EmitStart()
    {
        code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({_threads / 32});");
        if (LayerNorm)
        {
            code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({_threads / 32});");
        }

        code.Lines(WarpCode.Place);
        code.Line($"int start = Grid.IdxX * {_quads};");
        for (int step = 0; step < plan.NormSteps; step++)
        {
            code.Line($"int i{step} = thread{(step == 0 ? "" : $" + {step * _threads}")};");
        }
    }

    /// <summary>Writes something for each quad of a thread, inside a guard where the last step is for some threads only.</summary>
    private void ForSteps(Action<int> emit, Action<int>? declare = null)
    {
        for (int step = 0; step < plan.NormSteps; step++)
        {
            declare?.Invoke(step);
            bool guarded = (step + 1) * _threads > _quads;
            using (guarded ? code.Block($"if (i{step} < {_quads})") : default(CodeWriter.Scope?))
            {
                emit(step);
            }
        }
    }

    private void EmitLoad() => ForSteps(step => code.Line($"x{step} = x[start + i{step}];"), step => code.Line($"Float4 x{step} = default;"));

    private void EmitStore() => ForSteps(step => code.Line($"x[start + i{step}] = x{step};"));

    private void EmitNorm()
    {
        code.Line();
        code.Line(LayerNorm ? "// Layer norm: mean, then variance." : "// Root mean square norm.");
        string terms = string.Join(" + ", Enumerable.Range(0, plan.NormSteps).Select(step => $"Quad.{(LayerNorm ? "Sum" : "SumOfSquares")}(x{step})"));
        code.Line($"float sum = {terms};");
        EmitTotal("sum", "sums", "total");
        if (LayerNorm)
        {
            code.Line($"float mean = total / {_spec.Hidden};");
            code.Line("float square = 0f;");
            ForSteps(step =>
            {
                code.Line($"x{step} = Quad.Subtract(x{step}, mean, {_spec.Hidden} - (4 * i{step}));");
                code.Line($"square += Quad.SumOfSquares(x{step});");
            });
            EmitTotal("square", "squares", "variance");
            code.Line($"float scale = 1f / MathF.Sqrt((variance / {_spec.Hidden}) + {Literal.Of(_spec.Norm.Epsilon)});");
        }
        else
        {
            code.Line($"float scale = 1f / MathF.Sqrt((total / {_spec.Hidden}) + {Literal.Of(_spec.Norm.Epsilon)});");
        }

        ForSteps(
            step =>
            {
                string bias = LayerNorm ? $", bias[i{step}]" : "";
                code.Line($"y{step} = Quad.{(LayerNorm ? "Affine" : "Multiply")}(x{step}, scale, weight[i{step}]{bias});");
                code.Line($"normed[start + i{step}] = y{step};");
            },
            step => code.Line($"Float4 y{step} = default;"));
        if (packsSigns)
        {
            EmitSigns();
        }
    }

    /// <summary>Writes the sum over a group, in a fixed order: every thread has it.</summary>
    private void EmitTotal(string value, string shared, string total)
    {
        code.Line($"{value} = Lanes.Sum({value});");
        using (code.Block("if (lane == 0)"))
        {
            code.Line($"{shared}[warp] = {value};");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line($"float {total} = 0f;");
        using (code.Block($"for (int other = 0; other < {_threads / 32}; other++)"))
        {
            code.Line($"{total} += {shared}[other];");
        }

        code.Line();
    }

    private void EmitSigns()
    {
        code.Line();
        code.Line("// Signs: four bits a lane, eight lanes a word.");
        for (int step = 0; step < plan.NormSteps; step++)
        {
            code.Line($"uint word{step} = Lanes.Signs(y{step}, lane);");
        }

        using (code.Block("if ((lane & 7) == 0)"))
        {
            int words = plan.SignWords * 4;
            ForSteps(step => code.Line($"signs[(Grid.IdxX * {words}) + (i{step} / 8)] = word{step};"));
        }
    }
}
