using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// A way through a program on a GPU: a token, a batch of a prompt's, a token of each of several sequences. Operations become launches in the
/// order in which the program has them, by one function for each kind or group that is fused.
/// </summary>
internal abstract partial class LaunchPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program) : LaunchCode(code, plan)
{
    private IReadOnlyList<(IReadOnlyList<Operation> Group, Step? Step)>[]? _visited;
    private (IReadOnlyList<Step> Before, IReadOnlyList<Step> Layer, IReadOnlyList<Step> After)? _steps;

    /// <summary>The program as GPUs have it: what projections leave out of their input is zero before them. Where zeros alone are left out, it is already.</summary>
    protected ModelProgram Program { get; } = WithChosen(WithSkipped(program));

    protected NormKernels Norms => new(Code, Plan, PacksSigns);

    protected RowKernels Rows => new(Code, Plan);

    protected HeadKernels HeadKernels => new(Code, Plan);

    protected AttentionKernels Attention => new(Code, Plan);

    /// <summary>What is launched before the layers, in each, and after them.</summary>
    protected virtual (IEnumerable<Operation> Before, IEnumerable<Operation> Layer, IEnumerable<Operation> After) Operations =>
        ([Program.Embed, .. Program.AfterEmbed], Program.Layer, [Program.OutputNorm, Program.Head, .. Program.AfterHead]);

    /// <summary>Each group's launches, before the layers, in each, and after them; null: no kernel does it.</summary>
    private IReadOnlyList<(IReadOnlyList<Operation> Group, Step? Step)>[] Visited =>
        _visited ??= [Visit(Operations.Before), Visit(Operations.Layer), Visit(Operations.After)];

    private (IReadOnlyList<Step> Before, IReadOnlyList<Step> Layer, IReadOnlyList<Step> After) Steps =>
        _steps ??= (Known(Visited[0]), Known(Visited[1]), Known(Visited[2]));

    /// <summary>Everything that the pass launches, in order; a layer's once.</summary>
    public IEnumerable<Launch> Launches => Steps.Before.Concat(Steps.Layer).Concat(Steps.After).SelectMany(step => step.Launches);

    /// <summary>How often a token launches a kernel.</summary>
    public int Times(KernelName kernel, SparsityMode mode) => Launches.SelectMany(launch => launch.Kernels)
        .Where(launched => launched.Kernel.Is(kernel)).Sum(launched => launched.Times(mode));

    /// <summary>Threads that rotate and cache a token's query, key and value: one for a pair of elements, or a warp for a head that is normalised.</summary>
    protected int RotatingThreads =>
        (Spec.Attention.Heads + (2 * Spec.Attention.KeyValueHeads)) * (Plan.NormsHeads ? RowPlan.Lanes : Plan.HeadPairs);

    /// <summary>What kernels of heads are told where some layers do not rotate: 1 in the others.</summary>
    protected static string Turns(IEnumerable<Operation> heads) =>
        heads.OfType<Rotate>().FirstOrDefault()?.Except is { } except ? $", {LayerSet.ConditionOf(except)} ? 0 : 1" : "";

    /// <summary>What kernels of heads multiply queries and keys with, where these are normalised.</summary>
    protected static string NormsOf(IEnumerable<Operation> heads) => heads.OfType<NormHeads>().Any() ? $", w.{IlgpuDecoderClass.HeadNorms}" : "";

    /// <summary>What the kernel that rotates heads, and puts them where they belong, is named after.</summary>
    protected static Operation Turned(IReadOnlyList<Operation> heads) => heads.OfType<Rotate>().FirstOrDefault() ?? heads[heads.Count - 1];

    /// <summary>How many tokens go through, as C#.</summary>
    protected abstract string Tokens { get; }

    /// <summary>Writes the method that overrides <paramref name="header"/>.</summary>
    protected void Emit(string summary, string header, string start)
    {
        Code.Summary(summary);
        using (Code.Block(header))
        {
            Code.Lines(start);
            Emit(Steps.Before);
            using (Code.Block("for (int layer = 0; layer < LayerCount; layer++)"))
            {
                Code.Line("Layer w = _program._layers[layer];");
                Emit(Steps.Layer);
            }

            Code.Line();
            EmitAfter();
        }
    }

    protected virtual void EmitAfter() => Emit(Steps.After);

    protected static void Emit(IEnumerable<Step> steps)
    {
        foreach (Step step in steps)
        {
            step.Emit();
        }
    }

    /// <summary>Whether an operation is launched with the one before it.</summary>
    protected virtual bool Joins(Operation earlier, Operation later) => LaunchGroup.Joins(earlier, later);

    private IReadOnlyList<(IReadOnlyList<Operation> Group, Step? Step)> Visit(IEnumerable<Operation> operations) =>
        [.. LaunchGroup.Of(operations, Joins).Select(group => (group, Visit(group)))];

    private static IReadOnlyList<Step> Known(IReadOnlyList<(IReadOnlyList<Operation> Group, Step? Step)> visited)
    {
        string[] unknown = [.. UnknownOf(visited)];
        return unknown.Length == 0
            ? [.. visited.Select(launched => launched.Step!)]
            : throw new NotSupportedException($"A GPU's program has no launch for {string.Join(", nor for ", unknown)}.");
    }

    /// <summary>Operations for which there is no launch, in words.</summary>
    public IEnumerable<string> Unknown => Visited.SelectMany(UnknownOf);

    private static IEnumerable<string> UnknownOf(IEnumerable<(IReadOnlyList<Operation> Group, Step? Step)> visited) =>
        visited.Where(launched => launched.Step is null).Select(launched => Describe(launched.Group));

    /// <summary>The launches of operations that are computed together; null: no kernel does.</summary>
    private Step? Visit(IReadOnlyList<Operation> group)
    {
        if (group[0].Policy is { } policy)
        {
            return group[0] switch
            {
                SkipChannels skip => Skip(skip),
                KeepInput keep => Keep(keep),
                BringChosen bring => Bring(bring),
                _ => Phase(policy, group),
            };
        }

        if (group.Any(operation => !HasSlots(operation) || (operation is IIlgpuOperation && !ElementKernel.Knows(operation))))
        {
            return null;
        }

        if (group.All(operation => operation is IIlgpuOperation))
        {
            return OfLayer(group);
        }

        if (group[0] is (Gates or Neurons) && !LaunchGroup.HasNormedInput(Program))
        {
            return null;
        }

        // What traits do with a sum, or with logits, is launched by those who make them.
        IReadOnlyList<Operation> rest = [.. group.Where(operation => operation is not IIlgpuOperation)];
        return rest.Count == group.Count || rest.Any(operation => operation is SumSlices or SumExperts or Project { Stage: Stage.Logits }) ? Fused(rest) : null;
    }

    /// <summary>Operations on elements of a slot that each layer has.</summary>
    protected Step OfLayer(IReadOnlyList<Operation> operations) => operations.Count == 0 ? Nothing
        : Elements(operations, Spec.Hidden, $"4 * {Quads(operations[0].Writes)}", $"{Row(operations[0].Writes)}.Cast<float>()", Tokens);

    /// <summary>The launch of operations that take an element each.</summary>
    /// <param name="width">Elements of a token.</param>
    /// <param name="stride">From a token's to the next one's, as C#.</param>
    /// <param name="values">Where they are.</param>
    protected Step Elements(IReadOnlyList<Operation> operations, int width, string stride, string values, string tokens)
    {
        bool ofExperts = operations[0].IsOfEachExpert;
        DeviceKernel kernel = ElementKernel.Of(Code, NameOf(operations), $"{Describe(operations)}.", operations, width, stride, ofExperts);
        string chosen = ElementKernel.HasChosen(operations, ofExperts) ? $"{ExpertKernels.ChosenBuffer}, " : "";
        string others = string.Concat(operations.SelectMany(Others).Select(other => $", {other}"));
        return Call(Run(kernel, Config(kernel, ElementKernel.Groups(width), tokens), chosen + values + others), Launch(operations[0], Describe(operations), [kernel]));
    }

    private static string Describe(IReadOnlyList<Operation> operations) =>
        $"{string.Join(" and ", operations.Select(ElementKernel.Word).Distinct())} of {operations[operations.Count - 1].Writes.Variable}";

    /// <summary>After what is done, in order, and to what. An operation of a kind of which there are others has a number, so that a name is one kernel.</summary>
    private string NameOf(IReadOnlyList<Operation> operations) =>
        string.Concat(operations.Select(operation => operation.GetType().Name + NumberOf(operation))) + operations[0].Writes.Name;

    private string NumberOf(Operation operation)
    {
        // A kernel is the same wherever it is launched, and whoever asks for it.
        static Operation Anywhere(Operation operation) => operation with { Stage = default, Policy = null };
        Operation[] alike =
        [
            .. Program.Layer.Concat(Program.AfterHead)
                .Where(other => other.GetType() == operation.GetType() && other.Writes.Name == operation.Writes.Name)
                .Select(Anywhere).Distinct(),
        ];
        int place = Array.IndexOf(alike, Anywhere(operation));
        return place <= 0 ? "" : $"{place + 1}";
    }

    private IEnumerable<string> Others(Operation operation) => operation is AddResidual ? [$"{Row(Slot.Projected)}.Cast<float>()"]
        : operation.Tensors.Select(tensor => operation.Stage == Stage.Logits ? $"_program._{tensor.Variable}" : $"w.{tensor.Field}");

    /// <summary>What traits do with logits.</summary>
    protected Step AfterHead(string logits, string tokens) => Program.AfterHead.Count == 0 ? Nothing
        : Elements(Program.AfterHead, Spec.Vocabulary, "Vocabulary", logits, tokens);

    private Step? Fused(IReadOnlyList<Operation> group) => group switch
    {
        [Embed embed] => Embed(embed),
        [Embed embed, AddPosition] => Embed(embed),
        [Norm norm] => Norm(norm),
        [Project { Unit: WorkUnit.Head } first, ..] when LaunchGroup.AreHeads(group) && Plan.ByChannel(first.Matrix) is { } plan => HeadsByChannel(plan, group),
        [Project { Unit: WorkUnit.Column } project] when IsOfAttended(project) && Plan.ByChannel(project.Matrix) is { } plan => OutputByChannel(plan, project, null),
        [Project { Unit: WorkUnit.Column } project, AddBias bias] when IsOfAttended(project) && Plan.ByChannel(project.Matrix) is { } plan => OutputByChannel(plan, project, bias),
        [Norm norm, Project first, ..] when LaunchGroup.AreHeads(group.Skip(1)) => Heads(norm, first, group),
        [Project { Unit: WorkUnit.Head } first, ..] when LaunchGroup.AreHeads(group) => Heads(null, first, group),
        [Attend attend] => Attend(attend),
        [Project { Stage: Stage.Logits } head] => Logits(head),
        [NormAttended norm] => NormAttended(norm),
        [NormAttended norm, Project project] when project.From == norm.Writes => Project(project, norm, null),
        [NormAttended norm, Project project, AddBias bias] when project.From == norm.Writes => Project(project, norm, bias),
        [Project { Unit: WorkUnit.Column } project] when IsOfAttended(project) => Project(project, null, null),
        [Project { Unit: WorkUnit.Column } project, AddBias bias] when IsOfAttended(project) => Project(project, null, bias),
        [AddBias { Unit: WorkUnit.Column } bias] => AddBias(bias),
        [AddResidual add, Norm norm] => AddNorm(add, norm),
        [Norm norm, AddResidual add] => NormAdd(norm, add),
        [AddResidual add] => OfLayer([add]),
        [Route route] => Route(route),
        [Gates, MeasureGates, ..] => Fused([.. group.Skip(2)]), // launched by those who launch the neurons
        [Neurons neurons, Down down, SumExperts sum, AddResidual] => Experts(neurons, down, sum, null),
        [Neurons neurons, Down down, SumExperts sum, AddResidual, Norm norm] => Experts(neurons, down, sum, norm),
        [Neurons neurons, SumSquares, NormNeurons, ..] when Plan.NormsNeurons => FeedForward(neurons, [.. group.Skip(3)]),
        [Neurons neurons, ..] when !Plan.NormsNeurons => FeedForward(neurons, [.. group.Skip(1)]),
        _ => null,
    };

    /// <summary>Which experts tokens have: on the device, and only there.</summary>
    private Step Route(Route route)
    {
        var kernels = new ExpertKernels(Code, Plan, route);
        DeviceKernel router = kernels.Router();
        DeviceKernel choose = kernels.Choose();
        string chosen = $"{ExpertKernels.LogitsBuffer}, {ExpertKernels.ChosenBuffer}, {ExpertKernels.SharesBuffer}";
        return Together(
            Call(
                Run(router, Config(router, $"{kernels.RouterGroups}", Tokens), $"{Words($"w.{route.Matrix.Field}", route.Matrix.Types(Spec)[0])}, {Row(route.From)}, {ExpertKernels.LogitsBuffer}"),
                Launch(route, "router", [router])),
            Call(Run(choose, Config(choose, Tokens), chosen), Launch(route, "which experts", [choose])));
    }

    /// <summary>The chosen experts, which add themselves to the residual stream; null: not with what follows.</summary>
    /// <param name="norm">The norm after them, if there is one.</param>
    protected abstract Step? Experts(Neurons neurons, Down down, SumExperts sum, Norm? norm);

    /// <param name="rest">What follows the neurons, or their norm.</param>
    private Step? FeedForward(Neurons neurons, IReadOnlyList<Operation> rest) => rest switch
    {
        [Down down, SumSlices sum, AddResidual add] => FeedForward(neurons, down, sum, add, null),
        [Down down, SumSlices sum, AddResidual add, Norm norm] => FeedForward(neurons, down, sum, add, norm),
        _ => null,
    };

    /// <summary>Whether a projection multiplies what attention made, or its norm, which takes its place.</summary>
    private bool IsOfAttended(Project project) => project.From == (Program.Layer.OfType<NormAttended>().SingleOrDefault()?.Writes ?? Slot.Attended);

    private static ModelProgram WithSkipped(ModelProgram program)
    {
        var begun = new HashSet<InputChannels>();
        return program with
        {
            Layer =
            [
                .. program.Layer.SelectMany(operation => operation switch
                {
                    Project { Channels: { HasThreshold: true } channels } project when begun.Add(channels) =>
                        [new SkipChannels(channels, project.From) { Policy = channels.Policy }, operation],
                    AddCentre => [],
                    Neurons { Channels: { } channels } => [new SkipChannels(channels, Slot.Normed) { Policy = channels.Policy }, operation],
                    _ => new[] { operation },
                }),
            ],
        };
    }

    private static ModelProgram WithChosen(ModelProgram program) => program.Memories.Count == 0 ? program : program with
    {
        Layer =
        [
            .. program.Layer.SelectMany(operation => operation is not Neurons ? [operation] : (Operation[])
            [
                .. program.Memories.SelectMany(use => use.Memory.Choosing.Select(choice => new BringChosen(choice.Writes) { Policy = use.Use })),
                operation,
            ]),
        ],
    };

    /// <summary>In a launch of its own.</summary>
    private Step NormAttended(NormAttended norm)
    {
        DeviceKernel kernel = Norms.Attended();
        return Call(Run(kernel, Config(kernel, Tokens), $"{Row(Slot.Attended)}, {Weights(norm)}"), Launch(norm, "attention's norm", [kernel]));
    }

    /// <summary>The weights of a norm that is not the residual stream's, as kernels take them.</summary>
    protected static string Weights(Operation norm) => $"w.{norm.Tensors.Single().Field}.Cast<Float4>()";

    protected static Step Nothing { get; } = new([], () => { });

    /// <summary>Several steps as one.</summary>
    protected static Step Together(params Step[] steps) => new([.. steps.SelectMany(step => step.Launches)], () => Emit(steps));

    /// <summary>A step of one statement.</summary>
    protected Step Call(string statement, params Launch[] launches) => new(launches, () => Code.Line(statement));

    /// <summary>What is added to an embedding for its position; null: nothing.</summary>
    protected AddPosition? Position { get; } = program.AfterEmbed.OfType<AddPosition>().SingleOrDefault();

    /// <summary>Where the first token is, as C#, for who has a position for it; empty: all have their own.</summary>
    protected virtual string EmbedStart => "";

    protected virtual DeviceKernel EmbedKernel(WeightType type) => Norms.Embed(type, Position);

    private Step Embed(Embed embed) => Call(
        $"Embed({(EmbedStart.Length > 0 ? $"{EmbedStart}, " : "")}{Tokens});", Launch(embed, "embedding", embed.Table.Types(Spec).Select(EmbedKernel)));

    protected virtual Step Norm(Norm norm) => Call($"Norm({Field(norm)}, {Tokens});", Launch(norm, "norm", [Norms.Norm()]));

    protected Step AddNorm(AddResidual add, Norm norm) => Call($"AddNorm({Field(norm)}, {Tokens});", Launch(add, "norm", [Norms.Add()]));

    private Step NormAdd(Norm norm, AddResidual add) => Call($"NormAdd({Field(norm)}, {Tokens});", Launch(add, "norm", [Norms.AddAfter()]));

    /// <summary>Where a norm's weights are, as C#.</summary>
    protected virtual string Field(Norm norm) => norm.Stage == Stage.Logits ? "_program._outputNorm" : $"w.{norm.Weight.Field}";

    protected Step AddBias(AddBias bias)
    {
        DeviceKernel kernel = new ProductKernels(Code, Plan.ProductTile).AddBias(Plan.HiddenQuads);
        string config = Config(kernel, Groups(kernel, Plan.HiddenQuads), Tokens);
        return Call(Run(kernel, config, $"{Row(bias.To)}, w.{bias.Bias.Field}.Cast<Float4>()"), Launch(bias, "its bias", [kernel]));
    }

    /// <summary>Where a pass has how many words score high enough.</summary>
    public const string Chosen = "_chosen";

    /// <summary>What a model launches in Predicted mode instead of something that it launches in the others.</summary>
    protected static Launch Unpredicted(Launch launch) => launch with { Kernels = [.. launch.Kernels.Select(kernel => kernel with { Predicted = 0 })] };

    /// <summary>The head's launch where words are chosen: in Predicted mode.</summary>
    protected Project ChosenHead(WordChoice words) => Program.Head with { Policy = words.First.Policy };

    protected Launch CountWords(WordChoice words) => Launch(words.Second, "which words", [WordKernels.Count(Code, words)]);

    protected Launch ArgMax(Project head) => Launch(head, "greedy token", [ArgMaxKernel.Of(Code)]);

    /// <summary>Query, key and value, rotated and cached.</summary>
    /// <param name="norm">The norm before them, where they make it themselves.</param>
    /// <param name="first">The first of the projections: all have one input.</param>
    /// <param name="group">All operations.</param>
    protected abstract Step Heads(Norm? norm, Project first, IReadOnlyList<Operation> group);

    protected abstract Step Attend(Attend attend);

    /// <summary>A projection of what attention made.</summary>
    /// <param name="norm">The norm before it, where it makes it itself.</param>
    /// <param name="bias">What is added to it, where it does so itself.</param>
    protected abstract Step Project(Project project, NormAttended? norm, AddBias? bias);

    /// <summary>A feed-forward that adds itself to the residual stream; null: not with what follows.</summary>
    /// <param name="norm">The norm after it, if there is one.</param>
    protected abstract Step? FeedForward(Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm);

    /// <summary>The head, and the token that is likeliest.</summary>
    protected abstract Step Logits(Project head);

    /// <summary>A launch for the matrix's type, with what all of them have in common.</summary>
    /// <param name="kernel">A type's kernel.</param>
    /// <param name="groups">Groups of the launch, as C#.</param>
    /// <param name="arguments">What follows the matrix.</param>
    protected Step ForType(Operation operation, string what, string matrix, Func<WeightType, DeviceKernel> kernel, string groups, string arguments) =>
        ForType(operation, what, matrix, kernel, groups, _ => arguments);

    /// <summary>The same, where arguments are not the same for each type.</summary>
    protected Step ForType(Operation operation, string what, string matrix, Func<WeightType, DeviceKernel> kernel, string groups, Func<WeightType, string> arguments) => new(
        [Launch(operation, what, Types(operation).Select(kernel))],
        () => ForType(matrix, Types(operation), type => Code.Line(RunOwn(kernel(type), Config(kernel(type), groups), $"{Words(matrix, type)}, {arguments(type)}"))));

    private EquatableArray<WeightType> Types(Operation operation) => operation switch
    {
        Embed embed => embed.Table.Types(Spec),
        Project project => project.Matrix.Types(Spec),
        _ => throw new NotSupportedException($"{operation.GetType().Name} has no matrix of its own."),
    };

    /// <summary>The launch of a kernel that is the pass's own, where others have one beside it.</summary>
    protected virtual string RunOwn(DeviceKernel kernel, string config, string arguments) => Run(kernel, config, arguments);

    /// <summary>Writes the methods that embed.</summary>
    public void EmitEmbed()
    {
        using (Code.Block($"private void Embed({(EmbedStart.Length > 0 ? "int start, " : "")}int tokens)"))
        {
            string position = Position is null ? "" : $", _program._{Position.Table.Variable}, {(EmbedStart.Length > 0 ? "start" : "Positions")}";
            ForType(Program.Embed, "", "_program._embedding", EmbedKernel, "tokens", $"Tokens, _x{position}").Emit();
        }
    }

    /// <summary>Writes the methods that normalise.</summary>
    /// <param name="launches">Everything that is launched beside them.</param>
    public void EmitNorms(IEnumerable<Launch> launches)
    {
        foreach (DeviceKernel add in new[] { Norms.Add(), Norms.AddAfter() }
            .Where(add => launches.Any(launch => launch.Kernels.Any(launched => launched.Kernel.Is(add)))))
        {
            using (Code.Block($"private void {add.Name}(DeviceNorm norm, int tokens)"))
            {
                Code.Line(Run(add, Config(add, "tokens"), $"_projected, _x, {NormOf("norm")}, _normed{(PacksSigns ? ", _signs.Cast<uint>()" : "")}"));
            }

            Code.Line();
        }

        DeviceKernel norm = Norms.Norm();
        using (Code.Block("private void Norm(DeviceNorm norm, int tokens)"))
        {
            Code.Line(Run(norm, Config(norm, "tokens"), $"_x, {NormOf("norm")}, _normed"));
        }
    }
}
