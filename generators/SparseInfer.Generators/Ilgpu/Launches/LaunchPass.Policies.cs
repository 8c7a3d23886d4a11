using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <content>What policies compute and bring, beside the layer's own operations.</content>
internal abstract partial class LaunchPass
{
    /// <summary>From what a sequence has chosen to what the next one has, as C#: 0 where all tokens are of one.</summary>
    /// <param name="ofLayers">Words of all layers.</param>
    protected virtual string ChosenStride(int ofLayers) => "0";

    /// <summary>What sequences have chosen, a row for each token, in Predicted mode.</summary>
    private Step Bring(BringChosen bring)
    {
        LayerSet layers = bring.Policy!.Layers;
        int words = ChosenWords(bring.Chosen);
        DeviceKernel kernel = MemoryKernels.Bring(Code, bring.Chosen);
        string condition = ConditionOf(layers);
        return new([Launch(bring, "chosen neurons", [kernel])], () =>
        {
            Code.Line("// What each token's sequence has chosen.");
            using (Code.Block($"if ({condition})"))
            {
                Code.Line(Run(
                    kernel,
                    Config(kernel, Groups(kernel, words), Tokens),
                    $"{Kept(bring.Chosen)}, {PlaceOf(layers, words)}, {ChosenStride(MemoryKernels.Span(layers) * words)}, _{bring.Chosen.Variable}"));
            }

            Code.Line();
        });
    }

    /// <summary>What a policy computes before it chooses, in its layers and in Predicted mode.</summary>
    private Step Phase(PolicyUse policy, IReadOnlyList<Operation> operations)
    {
        Step[] steps = [.. LaunchGroup.Of(operations, LaunchGroup.AreOfElements)
            .Select(group => group[0] switch
            {
                Project { IsOfEachExpert: true } project => ProductOfExperts(project),
                Project project => Product(project),
                KeepLargest keep => Keep(keep),
                ScoreQueries score => Score(score),
                _ => OfPolicy(group),
            })];
        string condition = ConditionOf(policy.Layers);
        return new([.. steps.SelectMany(step => step.Launches)], () =>
        {
            Code.Line($"// {policy.Summary}");
            using (Code.Block($"if ({condition})"))
            {
                Emit(steps);
                EmitCounts(operations);
            }

            Code.Line();
        });
    }

    protected virtual string PhaseCondition => "Mode == SparsityMode.Predicted";

    /// <summary>When a policy acts, as C#: in its mode and in its layers.</summary>
    protected string ConditionOf(LayerSet layers) => PhaseCondition + (layers.IsEveryLayer ? "" : $" && {layers.Condition}");

    private Step Keep(KeepLargest keep)
    {
        DeviceKernel kernel = LargestKernel.Of(Code, keep.From);
        return Call(
            Run(kernel, Config(kernel, RowsOf(keep)), $"_{keep.From.Variable}, {keep.Policy!.Kept}, _{keep.To.Variable}"), Launch(keep, "the largest scores", [kernel]));
    }

    private Step Score(ScoreQueries score)
    {
        DeviceKernel kernel = QueryScoreKernel.Of(Code, Plan, score.To);
        string config = Config(kernel, $"{Spec.Attention.KeyValueHeads}", Tokens);
        return Call(Run(kernel, config, $"{Row(Slot.Queries)}, _{score.To.Variable}"), Launch(score, "scores of heads", [kernel]));
    }

    /// <summary>What attention is told where heads are chosen: 1 in the layers and modes that do.</summary>
    protected string ChoosesHeads
    {
        get
        {
            if (!Program.ChoosesHeads())
            {
                return "";
            }

            var layers = LayerSet.Union(Program.Layer.HeadPhases().Select(phase => phase.Key.Layers));
            return $", {ConditionOf(layers)} ? 1 : 0";
        }
    }

    /// <summary>An input, kept for predictors of later layers.</summary>
    private Step Keep(KeepInput keep)
    {
        DeviceKernel kernel = KeepKernel.Of(Code, $"Keep{keep.From}", Plan.Shape.PaddedHidden);
        string condition = ConditionOf(keep.Policy!.Layers);
        return new([Launch(keep, "a kept input", [kernel])], () =>
        {
            Code.Line($"// {keep.Policy.Summary}");
            using (Code.Block($"if ({condition})"))
            {
                Code.Line(Run(kernel, Config(kernel, KeepKernel.Groups(Plan.Shape.PaddedHidden), Tokens), $"{Row(keep.From)}, {keep.Writes.Name}(layer)"));
            }

            Code.Line();
        });
    }

    /// <summary>Writes where an input is kept, of whichever layers that is done for.</summary>
    public void EmitKept()
    {
        foreach (KeepInput keep in Program.Layer.OfType<KeepInput>())
        {
            Code.Summary($"What a layer kept of its tokens for the predictors of later layers: of the last {keep.Rows} layers.");
            string arms = string.Join(", ", Enumerable.Range(0, keep.Rows).Select(row => $"{(row == keep.Rows - 1 ? "_" : $"{row}")} => {KeptRow(keep, row)}"));
            Code.Line($"private ArrayView<Float4> {keep.Writes.Name}(int layer) => (layer % {keep.Rows}) switch {{ {arms} }};");
        }
    }

    /// <summary>The buffer of some layers' kept inputs.</summary>
    public static string KeptRow(KeepInput keep, int row) => $"_{keep.Writes.Variable}{row}";

    /// <summary>Elements of a policy's own slot.</summary>
    private Step OfPolicy(IReadOnlyList<Operation> operations)
    {
        Slot slot = operations[0].Writes;
        return Elements(operations, slot.Width!.Size, $"{PolicyStride(slot)}", $"_{slot.Variable}", RowsOf(operations[0]));
    }

    /// <summary>Rows of what a policy computes, as C#: one for each token, or for each of its experts.</summary>
    protected string RowsOf(Operation operation) => !operation.IsOfEachExpert ? Tokens : Tokens == "1" ? "ActiveExperts" : $"{Tokens} * ActiveExperts";

    /// <summary>A projection of each of the tokens' experts: one kernel in all passes, whatever the number of tokens.</summary>
    private Step ProductOfExperts(Project project)
    {
        string matrix = $"w.{project.Matrix.Field}";
        string input = project.From.Width is null ? PolicyInput(project) : $"_{project.From.Variable}.Cast<Float4>()";
        const int OfGroup = IlgpuDecoderPlan.RowWarps * IlgpuDecoderPlan.RowsPerWarp;
        string groups = $"{(project.Matrix.Rows.Size + OfGroup - 1) / OfGroup}";
        return new(
            [Launch(project, "experts' rows of a policy", project.Matrix.Types(Spec).Select(type => Rows.OfExperts(project, type)))],
            () => ForType(matrix, project.Matrix.Types(Spec), type =>
            {
                DeviceKernel kernel = Rows.OfExperts(project, type);
                Code.Line(Run(
                    kernel, Config(kernel, groups, RowsOf(project)), $"{Words(matrix, type)}, {ExpertKernels.ChosenBuffer}, {input}, _{project.To.Variable}"));
            }));
    }

    /// <summary>A policy's projection.</summary>
    protected abstract Step Product(Project project);

    /// <summary>Where a policy's projection reads four columns at a time.</summary>
    protected string PolicyInput(Project project) => project.From.Earlier is var (kept, back) ? $"{kept.Kept.Name}(layer - {back})"
        : project.From.Width is null ? Row(project.From)
        : $"_{project.From.Variable}.Cast<Float4>()";

    /// <summary>Writes how what a policy reads of matrices is counted, and the heads that it leaves out.</summary>
    protected virtual void EmitCounts(IReadOnlyList<Operation> operations)
    {
    }
}
