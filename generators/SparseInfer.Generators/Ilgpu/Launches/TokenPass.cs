using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>One token.</summary>
internal sealed class TokenPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program) : SessionPass(code, plan, program)
{
    protected override string Tokens => "1";

    protected override string Start => "position";

    // Every group of the heads, and of the output projection, normalises its own copy of the input, where that fits; rows add their bias.
    protected override bool Joins(Operation earlier, Operation later) => base.Joins(earlier, later)
        || (earlier is Norm && later is Project { Stage: Stage.Heads } && Plan.HeadsNormalise)
        || (earlier is NormAttended && later is Project { Stage: Stage.Output } && Plan.OutputNormalises)
        || (earlier is Project && later is AddBias { Stage: Stage.Output });

    public void Emit() => Emit("One token.", "protected override void Decode()", "int position = Position;");

    protected override void EmitAfter()
    {
        using (Code.Block("if (LogitsFrom == 0)"))
        {
            base.EmitAfter();
        }
    }

    protected override Step Heads(Norm? norm, Project first, IReadOnlyList<Operation> group)
    {
        string input = norm is null ? Row(Slot.Normed) : $"{Row(Slot.Residual)}, {NormOf($"w.{norm.Weight.Field}")}";
        (string groups, string count) = Plan.NormsHeads ? ("count", "") : ("groups", "count, ");
        Step launch = ForType(
            first,
            norm is null ? "heads" : "norm and heads",
            "heads",
            HeadKernels.Heads,
            groups,
            $"{input}, Views(layer), firstHead, {count}position, Halves{Turns(group)}{NormsOf(group)}{RoutesHeads}");
        return launch with
        {
            Emit = () =>
            {
                using (Code.Block("foreach (DeviceMatrix heads in w.Heads)"))
                {
                    Code.Line("int firstHead = heads.FirstRow / HeadDimension;");
                    Code.Line("int count = heads.Rows / HeadDimension;");
                    if (!Plan.NormsHeads)
                    {
                        Code.Line($"int groups = {RowGroups($"(count * {Plan.HeadPairs})")};");
                    }

                    launch.Emit();
                }

                Code.Line();
            },
        };
    }

    protected override Step Project(Project project, NormAttended? norm, AddBias? bias)
    {
        string weight = norm is null ? "" : $"{Weights(norm)}, ";
        string added = bias is null ? "" : $"w.{bias.Bias.Field}, ";
        string rows = project.Matrix.Rows.Name;
        Step launch = ForType(
            project,
            norm is null ? "projection" : "norm and projection",
            $"w.{project.Matrix.Field}",
            type => Rows.Rows(
                "Project",
                $"The attention's output projection of one token{(norm is null ? "" : ", of the norm of what attention made")}.",
                type,
                project.Matrix.Columns!.Size,
                bias is not null,
                norm is null ? null : NormStage.OfAttended(Code, Plan, IlgpuDecoderPlan.RowThreads),
                heads: Kept(type)),
            RowGroups(rows),
            type => $"{Row(Slot.Attended)}, {weight}{added}{rows}, {Row(project.To)}.Cast<float>(){(Kept(type) is null ? "" : KeptHeads.Arguments(ChoosesHeads.Substring(2)))}");

        return launch with
        {
            Emit = () =>
            {
                launch.Emit();
                EmitCountProjections();
            },
        };

        KeptHeads? Kept(WeightType type) => KeptHeads.SkipsOutput(Plan, project, RowPlan.Of(type, project.Matrix.Columns!.Size)) ? new(Code, Plan) : null;
    }

    protected override string Counts => "Metering";

    protected override void EmitCountSkipped(KeepLargest heads)
    {
        int all = Spec.Attention.KeyValueHeads;
        if (LeavableBytes(heads.Stage, withPadding: false) is { Length: > 0 } bytes)
        {
            Code.Line($"CountProjections(layer, 0, skipped: ({string.Join(" + ", bytes)}) / {all} * ({all} - kept));");
        }
    }

    /// <summary>What the kernel of heads is told where a router chooses among them before it; empty: none does.</summary>
    private string RoutesHeads => KeptHeads.RoutedLayers(Plan) is not { Length: > 0 } routed ? ""
        : KeptHeads.Arguments($"{ConditionOf(LayerSet.Union(routed.Select(use => use.Layers)))} ? 1 : 0");

    protected override Step? FeedForward(Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm) =>
        norm is null ? Call("FeedForward(layer, w, 0);", FeedForwardOfOne(neurons, sum)) : null;

    protected override Step? Experts(Neurons neurons, Down down, SumExperts sum, Norm? norm) => norm is not null ? null : Call(
        ExpertLaunches.Call("0", Tokens, "Metering"), new ExpertLaunches(Code, Plan).Launches(neurons, down, sum));

    protected override Step Product(Project project)
    {
        int rows = project.Matrix.Rows.Size;
        return ForType(
            project,
            "a policy's rows",
            $"w.{project.Matrix.Field}",
            type => PolicyRows(project, type),
            $"{(rows + (IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp) - 1) / (IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp)}",
            $"{PolicyInput(project)}, {rows}, _{project.To.Variable}");
    }

    protected override Step Logits(Project head) => new(LogitsOfOne(head), () =>
    {
        using (ElseAll("Mode == SparsityMode.Predicted", "1", () => Code.Line("ChosenLogitsOf(0, to: 0);")))
        {
            Code.Line("LogitsOf(0);");
        }
    });
}
