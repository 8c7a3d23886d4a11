using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A pass of one session's tokens: what one and a batch of them launch alike, and the methods that both call.</summary>
internal abstract class SessionPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program) : LaunchPass(code, plan, program)
{
    /// <summary>The position of the first token, as C#.</summary>
    protected abstract string Start { get; }

    protected override string EmbedStart => Position is null ? "" : Start;

    protected override string ChannelSums => $"{ChannelSumsBuffer}.View";

    protected override string KeptChannels(ChannelPlan plan) => $"KeptChannels(layer, {NumberOf(plan)})";

    protected override void EmitCountChannels(ChannelPlan plan)
    {
        string bytes = string.Join(" + ", plan.Matrices.Select(matrix => $"w.{matrix.Field}.ByteLength"));
        string ofFeedForward = plan.Channels.Use == ChannelUse.FeedForward ? ", ofFeedForward: true" : "";
        Code.Line($"CountChannels(layer, {NumberOf(plan)}, {ThresholdOf(plan)}, {Tokens}, {plan.Width}, {(plan.Matrices.Count == 1 ? bytes : $"({bytes})")} / {plan.Width}{ofFeedForward});");
    }

    private static string ThresholdOf(ChannelPlan plan) => $"Mode == SparsityMode.Predicted ? {ThresholdTable.Name(plan.Channels)}[layer] : -1f";

    protected override DownPlace Place(string tokens, string activated, string residual)
    {
        ChannelPlan? plan = Plan.Channels.FirstOrDefault(plan => plan.IsDown);
        Action? count = !Plan.SeparatesDown ? null : () => EmitCountNeurons(plan, tokens, activated);
        return new("_program.", "Mode", tokens, activated, "_partial.View", "_squares", residual, plan is null ? null : KeptChannels(plan), count);
    }

    /// <summary>Writes how neurons are counted before down leaves out any: all that there are where gate and up are the decoder's, else what it chooses among.</summary>
    private void EmitCountNeurons(ChannelPlan? plan, string tokens, string activated)
    {
        bool byChannels = InputChannels.AreOfNeurons(Spec);
        string condition = byChannels ? "" : $" && Mode == SparsityMode.Predicted && {ThresholdTable.Name(plan!.Channels)}[layer] >= 0f";
        using (Code.Block($"if (Metering{condition})"))
        {
            int number = Plan.Channels.Count;
            string bytes = "w.Down.ByteLength / Intermediate";
            KernelName kernel = new FeedForwardKernels(Spec, FeedForwards[0]).Count;
            Code.Line($"_program._feedForward{FeedForwards[0].Weights}.{kernel.Name}({Config(kernel, tokens)}, {activated}, KeptChannels(layer, {number}));");
            if (byChannels)
            {
                Code.Line($"CountNeurons(layer, {number}, {tokens}, Intermediate, {bytes});");
            }

            if (plan is not null)
            {
                var whole = new LayerSet(Spec, policy => !IlgpuKernelEmitter.Set.Of(policy).Skips);
                string all = whole.IsEmpty ? "false" : whole.IsEveryLayer ? "true" : whole.Condition;
                Code.Line($"CountDown(layer, {NumberOf(plan)}, {(byChannels ? ThresholdOf(plan) : $"{ThresholdTable.Name(plan.Channels)}[layer]")}, {number}, ofAll: {all}, {tokens}, Intermediate, {bytes});");
            }
        }

        Code.Line();
    }

    protected override Step Rotation(IReadOnlyList<Operation> heads)
    {
        DeviceKernel rotate = HeadKernels.Rotate();
        string config = Config(rotate, Groups(rotate, RotatingThreads), Tokens);
        return Call(Run(rotate, config, $"_products, Views(layer), {Start}, Halves{Turns(heads)}{NormsOf(heads)}"), Launch(Turned(heads), "rotation", [rotate]));
    }

    protected override Step Attend(Attend attend) => Call(
        $"Attend(layer, {Start}, {Tokens}{ChoosesHeads});",
        Launch(attend, "attention", CachePlan.Types.Select(Attention.Part)),
        Launch(attend, "its splits", [Attention.Join()]));

    protected override void EmitCounts(IReadOnlyList<Operation> operations)
    {
        using (Code.Block("if (Metering)"))
        {
            if (operations.OfType<Project>().Any())
            {
                string bytes = string.Join(" + ", operations.OfType<Project>().Select(project => $"w.{project.Matrix.Field}.ByteLength"));
                Code.Line($"CountBytes(layer, {RowsOf(operations[0])} * ({bytes}){(operations[0].IsOfEachExpert ? " / Experts" : "")});");
            }

            foreach (KeepLargest keep in operations.Where(HeadChoice.IsOfHeads).OfType<KeepLargest>())
            {
                int heads = Spec.Attention.KeyValueHeads;
                Code.Line($"int kept = {keep.Policy!.Kept};");
                Code.Line($"CountHeads(layer, {Tokens} * Heads, {Tokens} * ({heads} - kept) * {Spec.Attention.Heads / heads});");
                EmitCountSkipped(keep);
            }
        }
    }

    /// <summary>Writes how what is not read of projections is counted, where heads are left out; <c>kept</c> of those with keys and values are not.</summary>
    protected virtual void EmitCountSkipped(KeepLargest heads)
    {
    }

    /// <summary>When tokens are counted, as C#.</summary>
    protected abstract string Counts { get; }

    /// <summary>All of it is counted, wherever heads are left out or not.</summary>
    protected override void EmitCountProjections()
    {
        if (LeavableBytes(Stage.Heads).Length > 0)
        {
            using (Code.Block($"if ({Counts})"))
            {
                Code.Line($"CountProjections(layer, {Tokens} * ({string.Join(" + ", LeavableBytes(Stage.Heads))}), skipped: 0);");
            }

            Code.Line();
        }
    }

    /// <summary>Bytes of a layer's projections that can leave out heads, as C#.</summary>
    /// <param name="stage">Where heads are chosen: only before queries are computed, these are left out, too.</param>
    /// <param name="withPadding">Whether with what rows of the output projection are padded with, which is no head's.</param>
    protected string[] LeavableBytes(Stage stage, bool withPadding = true)
    {
        Project[] projects = [.. Program.Layer.OfType<Project>()];
        Project output = projects.Single(project => project is { Stage: Stage.Output, Policy: null });
        bool skipsQueries = stage == Stage.Heads && KeptHeads.SkipsQueries(Plan) && projects.Single(project => project.To == Slot.Queries).Channels is null;
        return
        [
            .. skipsQueries ? ["w.Heads[0].ByteLength / w.Heads[0].Rows * QueryWidth"] : Array.Empty<string>(),
            .. output.Matrix.Types(Spec).All(type => KeptHeads.SkipsOutput(Plan, output, RowPlan.Of(type, output.Matrix.Columns!.Size)))
                ? [$"w.{output.Matrix.Field}.ByteLength{(withPadding ? "" : WithoutPadding(output.Matrix.Columns!.Size))}"] : Array.Empty<string>(),
        ];

        static string WithoutPadding(int columns) => WeightLayout.Pad(columns) == columns ? "" : $" / {WeightLayout.Pad(columns)} * {columns}";
    }

    /// <summary>What the feed-forward of one token launches.</summary>
    protected Launch[] FeedForwardOfOne(Neurons neurons, SumSlices sum) =>
    [
        .. PolicyInput(neurons),
        .. OfGates(type => type.Gates),
        new(neurons, "feed-forward", [.. FeedForwards.SelectMany(feedForward => new FeedForwardKernels(Spec, feedForward).Fused)]),
        .. Plan.SeparatesDown ? new DownLaunches(Code, Plan).Launches(Program.Layer.OfType<Down>().Single(), sum) : [Launch(sum, "its sum", FeedForwards.Select(Join))],
    ];

    /// <summary>What the logits of one token launch.</summary>
    protected Launch[] LogitsOfOne(Project head)
    {
        Launch all = Launch(head, "logits", head.Matrix.Types(Spec).Select(Head));
        return [.. Program.Words is { } words ? [.. ChoiceOfOne(words), Unpredicted(all)] : (Launch[])[all], .. AfterHead("Logits", "1").Launches, ArgMax(head)];
    }

    /// <summary>What is launched beside that where words are chosen.</summary>
    private IEnumerable<Launch> ChoiceOfOne(WordChoice words) =>
    [
        .. words.Projects.Select(project => Launch(project, "scores of words", project.Matrix.Types(Spec).Select(type => PolicyRows(project, type)))),
        CountWords(words),
        Launch(ChosenHead(words), "logits of chosen words", Program.Head.Matrix.Types(Spec).Select(type => ChosenHead(words, type))),
    ];

    /// <summary>Rows that a policy has of its own, of one token.</summary>
    protected DeviceKernel PolicyRows(Project project, WeightType type)
    {
        int columns = WeightLayout.Pad(project.Matrix.Columns!.Size);
        return Rows.Rows($"PolicyRows{columns}x", $"Rows of {columns} weights that a policy has of its own, of one token.", type, columns, biased: false);
    }

    private DeviceKernel ChosenHead(WordChoice words, WeightType type) => Rows.Rows(
        "ChosenHead", "Logits of one token's chosen words; the others' are minus infinity.", type, Program.Head.Matrix.Columns!.Size, biased: false, words: words);

    /// <summary>Writes what is done where words are chosen, and begins what is done where they are not.</summary>
    /// <param name="condition">When they are, as C#.</param>
    /// <param name="count">How many tokens have logits.</param>
    /// <param name="emit">Writes the first.</param>
    protected CodeWriter.Scope? ElseAll(string condition, string count, Action emit)
    {
        if (Program.Words is null)
        {
            return null;
        }

        using (Code.Block($"if ({condition})"))
        {
            emit();
        }

        CodeWriter.Scope scope = Code.Block("else");
        using (Code.Block("if (Metering)"))
        {
            Code.Line($"CountWords({count}, Vocabulary, _program._head.ByteLength, 0);");
        }

        Code.Line();
        return scope;
    }

    /// <summary>Writes the logits of one token where words are chosen.</summary>
    public void EmitChosenLogits(WordChoice words)
    {
        Code.Summary("Logits of one token of the batch: of the words that score high enough, or of all where none does. The others' are minus infinity.");
        using (Code.Block("private void ChosenLogitsOf(int row, int to)"))
        {
            Code.Line("ArrayView<Float4> input = _normed.SubView(row * HiddenQuads, HiddenQuads);");
            Code.Line("ArrayView<float> logits = Logits.SubView((long)to * Vocabulary, Vocabulary);");
            Code.Line();
            Code.Line($"// {words.Summary} Scores are where the logits go.");
            string factors = $"_{words.First.To.Variable}";
            Rows(words.First, "input", factors);
            Rows(words.Second, $"{factors}.Cast<Float4>()", "logits");
            DeviceKernel count = WordKernels.Count(Code, words);
            Code.Line(Run(count, Config(count, "1"), $"logits, Vocabulary, {Chosen}"));
            using (Code.Block("if (Metering)"))
            {
                Code.Line($"CountWords({Chosen}, Vocabulary, _program._head.ByteLength, {string.Join(" + ", words.Tensors.Select(tensor => $"_program._{tensor.Variable}.ByteLength"))});");
            }

            Code.Line();
            ForType("_program._head", Program.Head.Matrix.Types(Spec), type =>
            {
                DeviceKernel head = ChosenHead(words, type);
                Code.Line(Run(head, Config(head, RowGroups("Vocabulary")), $"{Words("_program._head", type)}, input, Vocabulary, logits, {Chosen}"));
            });
            AfterHead("logits", "1").Emit();
            EmitArgMax("logits");
        }

        void Rows(Project project, string from, string to)
        {
            string matrix = $"_program._{project.Matrix.Variable}";
            ForType(matrix, project.Matrix.Types(Spec), type =>
            {
                DeviceKernel kernel = PolicyRows(project, type);
                string rows = project.Matrix.Rows.Name;
                Code.Line(Run(kernel, Config(kernel, RowGroups(rows)), $"{Words(matrix, type)}, {from}, {rows}, {to}"));
            });
        }
    }

    private DeviceKernel Head(WeightType type) => Rows.Rows("Head", "Logits of one token.", type, Program.Head.Matrix.Columns!.Size, biased: false);

    public void EmitAttend()
    {
        bool chooses = Program.ChoosesHeads();
        string marks = chooses ? $", _{HeadChoice.Marks(new("", 0)).Variable}, choosesHeads" : "";
        using (Code.Block($"private void Attend(int layer, int start, int tokens{(chooses ? ", int choosesHeads" : "")})"))
        {
            Code.Line($"int splits = {SplitsOf("start + tokens")};");
            string window = WindowCode.Has(Spec) ? ", window" : "";
            if (window.Length > 0)
            {
                Code.Line($"int window = {WindowCode.Value(Spec)};");
            }

            Code.Line($"var config = {Config(Attention.Part(CachePlan.Types[0]), "Heads", "splits", "tokens")};");
            ForCache("_cache", type => Code.Line(
                Run(Attention.Part(type), "config", $"_queries, _cache.View(layer), start, _parts.View, _most.View, _weight.View{window}{marks}")));
            DeviceKernel join = Attention.Join();
            Code.Line(Run(
                join, Config(join, "Heads", "tokens"), $"_parts.View.Cast<float>(), _most.View, _weight.View, start, splits, _attended.Cast<float>(){window}{marks}"));
        }
    }

    public void EmitFeedForward()
    {
        Code.Summary($"The feed-forward of one token of the batch: {(HasGates ? "four" : "two")} launches.");
        using (Code.Block("private void FeedForward(int layer, Layer w, int row)"))
        {
            string own = OfTokens(data => $", {data.Buffer}.SubView(row * {data.Length(Spec.Hidden)}, {data.Length(Spec.Hidden)})");
            Code.Line("ArrayView<Float4> input = _normed.SubView(row * HiddenQuads, HiddenQuads);");
            Code.Line("ArrayView<Float4> residual = _x.SubView(row * HiddenQuads, HiddenQuads);");
            DownPlace place = Place("1", "_activated.Cast<float>()", "residual");
            var apart = new DownLaunches(Code, Plan);
            void EmitApart() => ForFeedForward(
                (_, weights) => Code.Line($"ActivateApart(layer, {weights}, input{own});"), (feedForward, weights) => apart.EmitDown(feedForward, weights, place), () => apart.EmitChoice(place));
            if (Plan.SeparatesDown)
            {
                EmitApart();
            }
            else
            {
                if (MixesDown)
                {
                    using (Code.Block($"if ({FirstMatrix}.Type != w.Down.Type)"))
                    {
                        EmitApart();
                        Code.Line("return;");
                    }

                    Code.Line();
                }

                ForFeedForward("w.Down", (feedForward, weights) =>
                {
                    Code.Line($"Activate(layer, {weights}, input{own});");
                    EmitJoin(feedForward);
                });
            }
        }

        foreach (IlgpuFeedForwardPlan feedForward in Plan.SeparatesDown ? [] : FeedForwards)
        {
            Code.Line();
            EmitActivate(feedForward, hasDown: true);
        }

        foreach (IlgpuFeedForwardPlan feedForward in MixesDown || Plan.SeparatesDown ? FeedForwards : [])
        {
            Code.Line();
            EmitActivate(feedForward, hasDown: false);
        }

        EmitDownRowBytes();
    }

    private void EmitJoin(IlgpuFeedForwardPlan feedForward)
    {
        DeviceKernel join = Join(feedForward);
        Code.Line(Run(join, Config(join, $"{JoinKernel.Groups(feedForward)}"), $"_partial.View{Squares("_squares")}, {JoinArguments}residual"));
    }

    private void EmitActivate(IlgpuFeedForwardPlan feedForward, bool hasDown)
    {
        string name = feedForward.ClassName;
        Code.Summary($"Predict, gate{(hasDown ? ", up and down" : $" and up, before a down {(Plan.SeparatesDown ? "with launches of its own" : "of another weight type")}")}, as the mode and the layer's policy have it.");
        using (Code.Block($"private void {(hasDown ? "Activate" : "ActivateApart")}(int layer, {name}.Weights w, ArrayView<Float4> x{OfTokens(data => $", {data.Type} {data.Name}")})"))
        {
            string to = hasDown ? $"_partial.View{Squares("_squares")}" : "_activated.Cast<float>()";
            new FeedForwardCalls(Code, feedForward).EmitActivate(
                $"_program._feedForward{feedForward.Weights}",
                Spec.Policies,
                (kernel, arguments) => IlgpuCall.Of(Code, feedForward, kernel, arguments, "x", data => data.Name, vector => $"_program._layers[layer].{vector.Field}", to, "Counts(layer)", "layer, ", hasDown, gates: $"{GatesBuffer}, {CutsBuffer}"),
                HasGates ? () => EmitGates(feedForward) : null);
        }
    }

    /// <summary>Where a token's gates lie, and what is cut off them.</summary>
    private const string GatesBuffer = "_activated.Cast<float>()";

    /// <summary>Where what is cut off tokens' gates is.</summary>
    public const string CutsBuffer = "_cuts";

    private void EmitGates(IlgpuFeedForwardPlan feedForward)
    {
        var cuts = new CutKernels(Code, feedForward, several: true);
        Code.Line($"kernels.{cuts.Gates().Name}({Config(cuts.Gates(), $"{cuts.GateGroups}")}, w, x, {GatesBuffer});");
        Code.Line(CutOf(feedForward, "kernels", "w", "1", GatesBuffer, CutsBuffer));
        Code.Line();
    }

    public void EmitLogits()
    {
        Code.Summary("Logits of one token of the batch, and the largest of them.");
        using (Code.Block("private void LogitsOf(int row)"))
        {
            const string Input = "_normed.SubView(row * HiddenQuads, HiddenQuads)";
            ForType(Program.Head, "", "_program._head", Head, RowGroups("Vocabulary"), $"{Input}, Vocabulary, Logits").Emit();
            AfterHead("Logits", "1").Emit();
            EmitArgMax("Logits.SubView(0, Vocabulary)");
        }
    }

    protected void EmitArgMax(string logits)
    {
        DeviceKernel kernel = ArgMaxKernel.Of(Code);
        Code.Line(Run(kernel, Config(kernel, "1"), $"{logits}, Vocabulary, Greedy"));
    }
}
