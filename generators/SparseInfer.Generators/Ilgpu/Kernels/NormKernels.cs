using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Kernels that end in a norm, a group a token: it has the token's residual stream in registers, normalises it and packs the signs of the
/// result. What follows a feed-forward in decoding is normalised by those who read it: <see cref="NormStage"/>.
/// </summary>
/// <param name="packsSigns">Whether a predictor reads the signs.</param>
internal sealed class NormKernels(CodeWriter code, IlgpuDecoderPlan plan, bool packsSigns)
{
    /// <summary>The constant that programs have for the threads of a norm.</summary>
    private const string ThreadsName = "NormThreads";

    private readonly ModelSpec _spec = plan.Spec;
    private readonly int _threads = plan.NormThreads;
    private readonly int _quads = plan.HiddenQuads;

    private bool LayerNorm => _spec.Norm.Kind == NormKind.Layer;

    /// <summary>What both take after their own parameters.</summary>
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
        }
    }

    /// <param name="position">What is added for a token's position; null: nothing.</param>
    public DeviceKernel Embed(WeightType type, AddPosition? position) => Embed(
        "Embed", type, position, position is null ? null : KernelParameter.Int("start"), "start + Grid.IdxX");

    /// <summary>For the tokens of several sequences, each of which has a position of its own.</summary>
    public DeviceKernel EmbedTogether(WeightType type, AddPosition position) => Embed(
        "EmbedTogether", type, position, KernelParameter.Ints("positionOf"), "positionOf[Grid.IdxX]");

    /// <param name="where">What says where a token is; null: nothing is added.</param>
    /// <param name="place">A token's position.</param>
    private DeviceKernel Embed(string name, WeightType type, AddPosition? position, KernelParameter? where, string place)
    {
        RowPlan row = RowPlan.Of(type, _spec.Hidden);
        IEnumerable<KernelParameter> own = row.IsBlock
            ? [KernelParameter.Words("embedding"), KernelParameter.Scales("scales"), KernelParameter.Ints("tokens")]
            : [KernelParameter.Words("embedding"), KernelParameter.Ints("tokens")];
        return new DeviceKernel(
            name + type,
            IlgpuDecoderPlan.RowThreads,
            $"A token's embedding{(position is null ? " becomes" : " and what was learned for its position become")} its residual stream. A group a token.",
            [.. own, KernelParameter.Quads("x"), .. where is { } parameter ? [KernelParameter.Quads("positions"), parameter] : Array.Empty<KernelParameter>()],
            () =>
            {
                code.Line("int token = tokens[Grid.IdxX];");
                if (position is not null)
                {
                    code.Line($"int position = {place};");
                }

                using (WarpCode.ForEach(code, "k", "Group.IdxX", row.Words, IlgpuDecoderPlan.RowThreads))
                {
                    string load = $"embedding[(token * {row.Words}) + k]";
                    string scale = "";
                    if (row.Format.Blocks is { } blocks)
                    {
                        load = blocks.Load("embedding", blocks.Unpacks ? $"token * {row.Stride}" : $"(token * {row.Words})", "k", row.Words);
                        string ofBlock = blocks.Scale("scales", blocks.Unpacks ? $"token * {row.Scales}" : $"(token * {row.Scales})", row.Quads == 8 ? "k" : "(k / 2)");
                        scale = $"{blocks.ScaleType} blockScale = {ofBlock};";
                    }

                    code.Line($"{row.LoadType} words = {load};");
                    if (scale.Length > 0)
                    {
                        code.Line(scale);
                        scale = ", blockScale";
                    }

                    string first = row.Quads == 1 ? "k" : $"(k * {row.Quads})";
                    code.Line($"int quad = (Grid.IdxX * HiddenQuads) + {first};");
                    if (position is not null)
                    {
                        code.Line($"int learned = ({(position.Offset == 0 ? "position" : "(position + PositionOffset)")} * HiddenQuads) + {first};");
                    }

                    for (int j = 0; j < row.Quads; j++)
                    {
                        string quad = $"{type}.Widen{j}(words{scale})";
                        string scaled = _spec.Embedding.Scale == 1f ? quad : $"Quad.Scale({quad}, {Literal.Of(_spec.Embedding.Scale)})";
                        code.Line($"Float4 quad{j} = {(position is null ? scaled : $"Quad.Add({scaled}, positions[learned{WarpCode.Plus(j)}])")};");
                        code.Line($"x[quad{WarpCode.Plus(j)}] = quad{j};");
                    }
                }
            })
        {
            Weights = type,
        };
    }

    /// <summary>For prompts, and for what reads the norm of one token in more groups than it pays to normalise in.</summary>
    public DeviceKernel Norm() => new(
        "Norm",
        _threads,
        "Normalises the residual stream. A group a token.",
        [.. Shared],
        () =>
        {
            EmitStart(usesLane: false);
            EmitLoad();
            EmitNorm(keeps: false);
        })
    {
        ThreadsText = ThreadsName,
    };

    /// <summary>For several sequences, where a single token's heads normalise: in the order in which the threads of such a group add.</summary>
    public DeviceKernel NormTogether() => OfTokens(
        "NormTogether",
        "Normalises the residual stream as the heads of a single token do: with their threads, so in their order. A group a token.",
        NormStage.OfResidual(code, plan, plan.HeadThreads),
        "residual",
        [.. Shared.Where(parameter => parameter.Name != "x")],
        "normed");

    /// <summary>What attention made, in place: in the order in which a single token's output projection does it.</summary>
    public DeviceKernel Attended() => InPlace("NormAttended", "what attention made", NormStage.OfAttended(code, plan, IlgpuDecoderPlan.RowThreads), "attended");

    /// <summary>A prompt's neurons, in place, where all are computed.</summary>
    public DeviceKernel Neurons() => InPlace("NormNeurons", "neurons", NormStage.OfNeurons(code, plan, IlgpuDecoderPlan.RowThreads), "activated");

    private DeviceKernel InPlace(string name, string what, NormStage norm, string values) =>
        OfTokens(name, $"Normalises {what}, in place. A group a token.", norm, values, [KernelParameter.Quads("weight")], values);

    /// <param name="from">What is normalised.</param>
    /// <param name="rest">Parameters beside it.</param>
    /// <param name="to">Where it goes.</param>
    private DeviceKernel OfTokens(string name, string summary, NormStage norm, string from, KernelParameter[] rest, string to) => new(
        name,
        norm.Threads,
        summary,
        [KernelParameter.Quads(from), .. rest],
        () =>
        {
            norm.EmitShared();
            code.Lines(WarpCode.Place);
            code.Line($"int start = Grid.IdxX * {norm.QuadsName};");
            code.Line($"ArrayView<Float4> x = {from}.SubView(start, {norm.QuadsName});");
            code.Line();
            norm.EmitScale();
            code.Line();
            norm.EmitQuads(i =>
            {
                code.Line($"Float4 quad = {norm.Quad(i)};");
                code.Line($"{to}[start + {i}] = quad;");
            });
        });

    public DeviceKernel Add() => Add(
        "AddNorm",
        "Adds what a matrix product left to the residual stream, and normalises the sum. A group a token.",
        step =>
        {
            code.Line($"x{step} = Quad.Add(x{step}, added[start + i{step}]);");
            code.Line($"x[start + i{step}] = x{step};");
        });

    /// <summary>For a feed-forward beside attention: it reads the norm of what was there before attention is added.</summary>
    public DeviceKernel AddAfter() => Add(
        "NormAdd",
        "Normalises the residual stream, and adds what a matrix product left to it: the norm is of what was there before. A group a token.",
        step => code.Line($"x[start + i{step}] = Quad.Add(x{step}, added[start + i{step}]);"));

    /// <param name="add">Writes how a step's quad is added to.</param>
    private DeviceKernel Add(string name, string summary, Action<int> add) => new(
        name,
        _threads,
        summary,
        [KernelParameter.Quads("added"), .. Shared, .. packsSigns ? [KernelParameter.UInts("signs")] : Array.Empty<KernelParameter>()],
        () =>
        {
            EmitStart(usesLane: packsSigns);
            EmitLoad();
            ForSteps(add);
            EmitNorm(keeps: packsSigns);
            if (packsSigns)
            {
                EmitSigns();
            }
        })
    {
        ThreadsText = ThreadsName,
    };

    /// <summary>Writes which quads a thread has.</summary>
    /// <param name="usesLane">Whether the kernel's own part needs to know the lane.</param>
    private void EmitStart(bool usesLane)
    {
        if (_threads == RowPlan.Lanes)
        {
            code.Line("int thread = Group.IdxX;");
            if (usesLane)
            {
                code.Line("int lane = thread;");
            }
        }
        else
        {
            code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({_threads / 32});");
            if (LayerNorm)
            {
                code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({_threads / 32});");
            }

            code.Lines(WarpCode.Place);
        }

        code.Line("int start = Grid.IdxX * HiddenQuads;");
        for (int step = 0; step < plan.NormSteps; step++)
        {
            code.Line($"int i{step} = thread{(step == 0 ? "" : $" + {step * _threads}")};");
        }
    }

    /// <summary>Writes something for each quad of a thread, inside a guard where the last step is for some threads only.</summary>
    private void ForSteps(Action<int> emit)
    {
        for (int step = 0; step < plan.NormSteps; step++)
        {
            using (IsGuarded(step) ? code.Block($"if (i{step} < HiddenQuads)") : default(CodeWriter.Scope?))
            {
                emit(step);
            }
        }
    }

    /// <summary>Writes a variable for each quad of a thread; zero where a thread has none.</summary>
    /// <param name="value">A step's quad.</param>
    /// <param name="then">What follows where the thread has one.</param>
    private void ForSteps(string variable, Func<int, string> value, Action<int>? then = null)
    {
        for (int step = 0; step < plan.NormSteps; step++)
        {
            bool isGuarded = IsGuarded(step);
            if (isGuarded)
            {
                code.Line($"Float4 {variable}{step} = default;");
            }

            using (isGuarded ? code.Block($"if (i{step} < HiddenQuads)") : default(CodeWriter.Scope?))
            {
                code.Line($"{(isGuarded ? "" : "Float4 ")}{variable}{step} = {value(step)};");
                then?.Invoke(step);
            }
        }
    }

    private bool IsGuarded(int step) => (step + 1) * _threads > _quads;

    private void EmitLoad() => ForSteps("x", step => $"x[start + i{step}]");

    /// <summary>Writes the norm of <c>x0</c>, <c>x1</c>, ...</summary>
    /// <param name="keeps">Whether it is also wanted in <c>y0</c>, <c>y1</c>, ...</param>
    private void EmitNorm(bool keeps)
    {
        code.Line();
        code.Line(LayerNorm ? "// Layer norm: mean, then variance." : "// Root mean square norm.");
        string terms = string.Join(" + ", Enumerable.Range(0, plan.NormSteps).Select(step => $"Quad.{(LayerNorm ? "Sum" : "SumOfSquares")}(x{step})"));
        code.Line($"float sum = {terms};");
        WarpCode.EmitGroupSum(code, _threads / 32, "sum", "sums", "total");
        if (LayerNorm)
        {
            code.Line("float mean = total / Hidden;");
            code.Line("float square = 0f;");
            ForSteps(step =>
            {
                code.Line($"x{step} = Quad.Subtract(x{step}, mean, Hidden - (4 * i{step}));");
                code.Line($"square += Quad.SumOfSquares(x{step});");
            });
            WarpCode.EmitGroupSum(code, _threads / 32, "square", "squares", "variance");
        }

        code.Line(NormStage.Scale(_spec.Norm, LayerNorm ? "variance" : "total", "Hidden"));
        string Normed(int step) =>
            $"Quad.{(LayerNorm ? "Affine" : "Multiply")}(x{step}, scale, weight[i{step}]{(LayerNorm ? $", bias[i{step}]" : "")})";
        if (keeps)
        {
            ForSteps("y", Normed, step => code.Line($"normed[start + i{step}] = y{step};"));
        }
        else
        {
            ForSteps(step => code.Line($"normed[start + i{step}] = {Normed(step)};"));
        }
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
