using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Adds up what the groups of a feed-forward left, in an order that depends on the plan only: a group has a strip of the columns, its warps
/// a range of the slices each, in ascending order; then the warps' sums in ascending order.
/// </summary>
internal static class JoinKernel
{
    /// <summary>Fours of columns of a group: one a lane.</summary>
    public const int Quads = RowPlan.Lanes;

    /// <summary>Partial sums whose loads are under way together.</summary>
    private const int SlicesAtOnce = 4;

    public static int Threads(IlgpuFeedForwardPlan plan) => RowPlan.Lanes * plan.JoinWarps;

    /// <summary>Groups of a launch.</summary>
    public static int Groups(IlgpuFeedForwardPlan plan) => plan.JoinGroups;

    /// <summary>The kernel: a row of groups for each token.</summary>
    /// <param name="result">What the sum goes to: four columns each.</param>
    /// <param name="adds">Whether it is added to what is there: the residual stream.</param>
    /// <param name="own">What traits do with the sum before.</param>
    /// <param name="norm">The norm between neurons and down, which scales the sum; null: there is none.</param>
    /// <param name="experts">Of how many experts a token has sums, each to be multiplied by its weight; 0: it has those of one feed-forward.</param>
    /// <param name="centred">Whether a centre of the neurons adds something, in some layers.</param>
    public static DeviceKernel Of(
        CodeWriter code,
        IlgpuFeedForwardPlan plan,
        string name,
        string result,
        bool adds,
        IReadOnlyList<Operation>? own = null,
        NormSpec? norm = null,
        int experts = 0,
        bool centred = false)
    {
        own ??= [];
        IEnumerable<KernelParameter> bias = plan.Spec.Biases ? [KernelParameter.Quads("downBias")] : [];
        string order = plan.JoinWarps == 1 ? "in ascending order" : $"{plan.JoinWarps} warps a range each, in ascending order";
        return new DeviceKernel(
            name,
            Threads(plan),
            $"Adds the groups' partial sums of down{(experts > 0 ? ", those of each of a token's experts times its weight," : "")}{(norm is null ? "" : ", scaled as the norm of the neurons is,")}{(adds ? " to the residual stream" : "")}: {order}. A group has {4 * Quads} columns of a token.",
            [
                KernelParameter.Quads("partial"), .. experts == 0 ? Array.Empty<KernelParameter>() : [ExpertKernels.Shares], .. norm is null ? Array.Empty<KernelParameter>() : [NeuronNorm.Squares], .. centred ? ChannelKernels.OfCentre : [], .. bias, .. own.SelectMany(ElementKernel.Others).Select(KernelParameter.Quads), KernelParameter.Quads(result),
            ],
            () => Emit(code, plan, result, adds, own, norm, experts, centred))
        {
            Weights = plan.Weights,
        };
    }

    private static void Emit(
        CodeWriter code, IlgpuFeedForwardPlan plan, string result, bool adds, IReadOnlyList<Operation> own, NormSpec? norm, int experts, bool centred)
    {
        RowPlan row = plan.Row;
        int warps = plan.JoinWarps;
        bool isExact = row.Columns / 4 % Quads == 0;
        if (warps > 1)
        {
            code.Line($"ArrayView<Float4> sums = SharedMemory.Allocate<Float4>({warps * Quads});");
            code.Lines(WarpCode.Place);
            code.Line($"int quad = (Grid.IdxX * {Quads}) + lane;");
        }
        else
        {
            code.Line($"int quad = (Grid.IdxX * {Quads}) + Group.IdxX;");
        }

        if (norm is not null)
        {
            NeuronNorm.EmitScale(code, plan, norm, warps > 1 ? "lane" : "Group.IdxX");
        }

        code.Line("Float4 sum = default;");
        using (isExact ? default(CodeWriter.Scope?) : code.Block("if (quad < HiddenQuads)"))
        {
            if (experts == 0)
            {
                EmitRange(code, plan, "sum", "Grid.IdxY");
            }
            else
            {
                EmitExperts(code, plan, experts);
            }

            if (warps == 1)
            {
                EmitResult();
            }
        }

        if (warps == 1)
        {
            return;
        }

        code.Line();
        code.Line("sums[thread] = sum;");
        code.Line("Group.Barrier();");
        using (code.Block($"if (warp == 0{(isExact ? "" : " && quad < HiddenQuads")})"))
        {
            if (warps == 2)
            {
                code.Line($"sum = Quad.Add(sum, sums[{Quads} + lane]);");
            }
            else
            {
                using (code.Block($"for (int other = 1; other < {warps}; other++)"))
                {
                    code.Line($"sum = Quad.Add(sum, sums[(other * {Quads}) + lane]);");
                }

                code.Line();
            }

            EmitResult();
        }

        void EmitResult()
        {
            if (norm is not null)
            {
                code.Line("sum = Quad.Scale(sum, scale);");
            }

            if (plan.Spec.Biases)
            {
                code.Line("sum = Quad.Add(sum, downBias[quad]);");
            }

            if (centred)
            {
                ChannelKernels.EmitCentre(code, "sum", "quad");
            }

            foreach (Operation operation in own)
            {
                code.Line($"sum = {ElementKernel.Value(operation, "sum", new(IsQuad: true, tensor => $"{tensor.Variable}[quad]"))};");
            }

            code.Line("int column = (Grid.IdxY * HiddenQuads) + quad;");
            code.Line($"{result}[column] = {(adds ? $"Quad.Add({result}[column], sum)" : "sum")};");
        }
    }

    /// <summary>Writes a warp's slices of each of a token's experts, ascending: a sum is multiplied once.</summary>
    private static void EmitExperts(CodeWriter code, IlgpuFeedForwardPlan plan, int experts)
    {
        string row = experts == 1 ? "Grid.IdxY" : "row";
        using (experts == 1 ? default(CodeWriter.Scope?) : code.Block($"for (int expert = 0; expert < {experts}; expert++)"))
        {
            if (experts > 1)
            {
                code.Line($"int row = (Grid.IdxY * {experts}) + expert;");
            }

            code.Line("Float4 ofExpert = default;");
            EmitRange(code, plan, "ofExpert", row);
            code.Line($"Float4.AddScaled(ofExpert, {ExpertKernels.Shares.Name}[{row}], ref sum);");
        }
    }

    /// <summary>Writes a warp's slices; a partial sum stands as the threads of its group have it, load by load.</summary>
    /// <param name="sum">What they are added to.</param>
    /// <param name="row">Which of the sums of all tokens, or of all their experts, as C#.</param>
    private static void EmitRange(CodeWriter code, IlgpuFeedForwardPlan plan, string sum, string row)
    {
        RowPlan columns = plan.Row;
        int slices = plan.JoinSlices;
        string ofColumns = columns.Quads == 1 ? "quad" : $"((quad & {columns.Quads - 1}) * {columns.Words}) + (quad / {columns.Quads})";
        code.Line($"int place = ({row}{(plan.Slices == 1 ? "" : $" * {plan.Slices}")} * HiddenQuads) + {ofColumns};");
        if (plan.JoinWarps == 1)
        {
            EmitSum(slices, k => k switch { 0 => "place", 1 => "HiddenQuads + place", _ => $"({k} * HiddenQuads) + place" });
            return;
        }

        // The last warp may have fewer slices than the others.
        int last = plan.Slices - ((plan.JoinWarps - 1) * slices);
        code.Line($"int slice = warp * {slices};");
        if (slices <= 2 * SlicesAtOnce)
        {
            if (last == slices)
            {
                EmitSum(slices, OfSlice);
                return;
            }

            using (code.Block($"if (warp < {plan.JoinWarps - 1})"))
            {
                EmitSum(slices, OfSlice);
            }

            using (code.Block("else"))
            {
                EmitSum(last, OfSlice);
            }

            return;
        }

        code.Line(last == slices ? $"int end = slice + {slices};" : $"int end = warp < {plan.JoinWarps - 1} ? slice + {slices} : {plan.Slices};");
        using (code.Block($"for (; slice + {SlicesAtOnce} <= end; slice += {SlicesAtOnce})"))
        {
            EmitSum(SlicesAtOnce, OfSlice);
        }

        // What the fours leave.
        int rest = slices % SlicesAtOnce;
        int restOfLast = last % SlicesAtOnce;
        if (rest == restOfLast)
        {
            if (rest > 0)
            {
                code.Line();
                EmitSum(rest, OfSlice, "rest");
            }

            return;
        }

        code.Line();
        using (code.Block(Math.Max(rest, restOfLast) == 1 ? "if (slice < end)" : "for (; slice < end; slice++)"))
        {
            code.Line($"{sum} = Quad.Add({sum}, partial[{OfSlice(0)}]);");
        }

        string OfSlice(int k) => $"({(k == 0 ? "slice" : $"(slice + {k})")} * HiddenQuads) + place";

        void EmitSum(int count, Func<int, string> index, string name = "slice")
        {
            for (int k = 0; k < count; k++)
            {
                code.Line($"Float4 {name}{k} = partial[{index(k)}];");
            }

            for (int k = 0; k < count; k++)
            {
                code.Line($"{sum} = Quad.Add({sum}, {name}{k});");
            }
        }
    }
}
