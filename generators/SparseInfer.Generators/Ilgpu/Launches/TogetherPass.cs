using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A token of each of several sequences: matrices are read once for all of them, and each has the bits that it has alone.</summary>
internal sealed class TogetherPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program, FeedForwardTogether together)
    : LaunchPass(code, plan, program)
{
    protected override string Tokens => "Count";

    protected override string ChosenStride(int ofLayers) => $"{ofLayers}";

    public void Emit() => Emit("A token of each sequence, in as many launches for one as for all.", "protected override void Decode()", """
        int halves = CacheOf(0).Type == KeyValueType.F16 ? 1 : 0;
        int splits = MaxSplits();
        """ + (Spec.Attention.IsRotated
            ? "\nvar views = new HeadViews { Cos = Rotary.Cos, Sin = Rotary.Sin, Queries = _queries.Cast<float>() };"
            : "\nvar views = new HeadViews { Queries = _queries.Cast<float>() };")
        + (Program.Memories.Count > 0 ? "\nif (Mode == SparsityMode.Predicted)\n{\n    CopyChosen();\n}\n" : ""));

    /// <summary>The launch of a kernel that only sequences together have.</summary>
    private static string RunTogether(DeviceKernel kernel, string config, string arguments) => $"_kernels.{kernel.Name}({config}, {arguments});";

    protected override DeviceKernel EmbedKernel(WeightType type) => Position is null ? base.EmbedKernel(type) : Norms.EmbedTogether(type, Position);

    protected override string RunOwn(DeviceKernel kernel, string config, string arguments) =>
        Position is null ? base.RunOwn(kernel, config, arguments) : RunTogether(kernel, config, arguments);

    /// <summary>Heads of a single token normalise their own input: the same sums in the same order, in a launch.</summary>
    protected override Step Norm(Norm norm)
    {
        if (norm.Stage != Stage.Heads || !Plan.HeadsNormalise)
        {
            return base.Norm(norm);
        }

        DeviceKernel kernel = Norms.NormTogether();
        return Call(RunTogether(kernel, Config(kernel, Tokens), $"_x, {NormOf(Field(norm))}, _normed"), Launch(norm, "norm", [kernel]));
    }

    private DeviceKernel Kernel(WeightType type, int columns) => new RowsTogether(Code, RowPlan.Of(type, columns)).Kernel();

    private Launch Product(Project project, string what) => Launch(
        project,
        what,
        Plan.TogetherProducts.SelectMany(product => product.Widths.Select(width => Kernel(product.Type, width))),
        Kernel(project.Matrix.Types(Spec)[0], project.Matrix.Columns!.Size));

    protected override string ChannelSums => ChannelSumsBuffer;

    protected override string KeptChannels(ChannelPlan plan) => KeptChannelsBuffer;

    protected override DownPlace Place(string tokens, string activated, string residual) =>
        new("_program.", "Mode", tokens, activated, "_partial", "_squares", residual, KeptChannelsBuffer);

    protected override Step Heads(Norm? norm, Project first, IReadOnlyList<Operation> group) => Together(
        new(
        [Product(first, "rows of the heads")],
        () =>
        {
            using (Code.Block("foreach (DeviceMatrix heads in w.Heads)"))
            {
                Code.Line($"Rows(heads, {Row(first.From)}, _products, {HeadsStride});");
            }

            Code.Line();
        }),
        Rotation(group));

    protected override Step Rotation(IReadOnlyList<Operation> heads)
    {
        DeviceKernel rotate = HeadKernels.RotateTogether();
        return new([Launch(Turned(heads), "rotation", [rotate])], () =>
        {
            Code.Line("CacheViews caches = Caches(layer);");
            if (heads.OfType<AddBias>().Any())
            {
                Code.Line("views.Bias = w.HeadBiases;");
            }

            Code.Line(RunTogether(
                rotate, Config(rotate, Groups(rotate, RotatingThreads), Tokens), $"_products, views, caches, Positions, halves{Turns(heads)}{NormsOf(heads)}"));
        });
    }

    protected override Step Attend(Attend attend) => Call(
        $"Attend(caches, splits{(WindowCode.Has(Spec) ? $", {WindowCode.Value(Spec)}" : "")}{ChoosesHeads});",
        Launch(attend, "attention", CachePlan.Types.Select(Attention.PartTogether)),
        Launch(attend, "its splits", [Attention.JoinTogether()]));

    protected override Step Project(Project project, NormAttended? norm, AddBias? bias) => Call(
        $"Rows(w.{project.Matrix.Field}, {Row(Slot.Attended)}, {Row(project.To)}.Cast<float>(), 4 * {Quads(project.To)});", Product(project, "projection"));

    protected override Step? FeedForward(Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm) => norm is not null ? null : Call(
        together.Call(Row(Slot.Normed), data => data.Buffer, Row(Slot.Residual), Tokens, "_activated", "_partial", Plan.SeparatesDown ? KeptChannelsBuffer : null),
        together.Launches(neurons, down, sum));

    protected override Step? Experts(Neurons neurons, Down down, SumExperts sum, Norm? norm) => norm is not null ? null : Call(
        ExpertLaunches.Call("0", Tokens), new ExpertLaunches(Code, Plan).Launches(neurons, down, sum));

    protected override Step Product(Project project) => Call(
        $"Rows(w.{project.Matrix.Field}, {PolicyInput(project)}, _{project.To.Variable}, {PolicyStride(project.To)});", Product(project, "a policy's rows"));

    protected override Step Logits(Project head)
    {
        Step after = AfterHead("Logits", Tokens);
        Launch all = Product(head, "logits");
        Launch[] launches = Program.Words is not { } words ? [all]
            : [.. words.Projects.Select(project => Product(project, "scores of words")), CountWords(words), OfChosen(words), Unpredicted(all)];
        return new([.. launches, .. after.Launches, ArgMax(head)], () =>
        {
            if (Program.Words is { } chosen)
            {
                EmitChosen(chosen, head);
            }
            else
            {
                Code.Line($"Rows(_program._head, {Row(head.From)}, Logits, Vocabulary);");
            }

            after.Emit();
            DeviceKernel kernel = ArgMaxKernel.Of(Code);
            Code.Line(Run(kernel, Config(kernel, Tokens), "Logits, Vocabulary, Greedy"));
        });
    }

    private DeviceKernel ChosenKernel(WordChoice words, WeightType type) =>
        new RowsTogether(Code, RowPlan.Of(type, Program.Head.Matrix.Columns!.Size), words).Kernel();

    private Launch OfChosen(WordChoice words) =>
        Launch(ChosenHead(words), "logits of chosen words", Program.Head.Matrix.Types(Spec).Select(type => ChosenKernel(words, type)));

    private void EmitChosen(WordChoice words, Project head)
    {
        using (Code.Block("if (Mode == SparsityMode.Predicted)"))
        {
            Code.Line("ChosenLogits();");
        }

        using (Code.Block("else"))
        {
            Code.Line($"Rows(_program._head, {Row(head.From)}, Logits, Vocabulary);");
        }

        Code.Line();
    }

    /// <summary>Writes the logits of every sequence where words are chosen.</summary>
    public void EmitChosenRows(WordChoice words)
    {
        Code.Summary("Logits of each sequence's words that score high enough, or of all where none does. The others' are minus infinity.");
        using (Code.Block("private void ChosenLogits()"))
        {
            Code.Line($"// {words.Summary} Scores are where the logits go.");
            string factors = $"_{words.First.To.Variable}";
            Code.Line($"Rows(_program._{words.First.Matrix.Variable}, {Row(words.First.From)}, {factors}, {PolicyStride(words.First.To)});");
            Code.Line($"Rows(_program._{words.Second.Matrix.Variable}, {factors}.Cast<Float4>(), Logits, Vocabulary);");
            DeviceKernel count = WordKernels.Count(Code, words);
            Code.Line(Run(count, Config(count, Tokens), $"Logits, Vocabulary, {Chosen}"));
            ForType("_program._head", Program.Head.Matrix.Types(Spec), type =>
            {
                DeviceKernel kernel = ChosenKernel(words, type);
                Code.Line(RunTogether(
                    kernel,
                    Config(kernel, RowGroups("Vocabulary")),
                    $"{Words("_program._head", type)}, {Row(Program.Head.From)}, Count, Vocabulary, 0, Logits, Vocabulary, {Chosen}"));
            });
        }
    }

    public void EmitRows()
    {
        using (Code.Block("private void Rows(DeviceMatrix w, ArrayView<Float4> x, ArrayView<float> y, int stride)"))
        {
            WeightType[] types = [.. Plan.TogetherProducts.Select(product => product.Type)];
            IReadOnlyList<int> Widths(WeightType type) => Plan.TogetherProducts.First(product => product.Type == type).Widths;
            Code.Line($"var config = {Config(Kernel(types[0], Spec.Hidden), RowGroups("w.Rows"))};");
            ForType("w", types, type => ForWidth(Widths(type), width => Code.Line(
                RunTogether(Kernel(type, width), "config", $"{Words("w", type)}, x, Count, w.Rows, w.FirstRow, y, stride"))));
        }
    }

    public void EmitAttend()
    {
        Code.Lines($$"""
            /// <summary>Splits of the longest sequence.</summary>
            private int MaxSplits()
            {
                int positions = 0;
                for (int i = 0; i < Count; i++)
                {
                    positions = Math.Max(positions, State(i).Position + 1);
                }

                return {{SplitsOf("positions")}};
            }

            """);
        string window = WindowCode.Has(Spec) ? ", window" : "";
        bool chooses = Program.ChoosesHeads();
        string marks = chooses ? $", _{HeadChoice.Marks(new("", 0)).Variable}, choosesHeads" : "";
        using (Code.Block($"private void Attend(CacheViews caches, int splits{(window.Length > 0 ? ", int window" : "")}{(chooses ? ", int choosesHeads" : "")})"))
        {
            Code.Line($"var config = {Config(Attention.PartTogether(CachePlan.Types[0]), "Heads", "splits", Tokens)};");
            ForCache("CacheOf(0)", type => Code.Line(RunTogether(
                Attention.PartTogether(type), "config", $"_queries, caches, Positions, _parts.View, _most.View, _weight.View{window}{marks}")));
            DeviceKernel join = Attention.JoinTogether();
            Code.Line(RunTogether(
                join, Config(join, "Heads", Tokens), $"_parts.View.Cast<float>(), _most.View, _weight.View, Positions, splits, _attended.Cast<float>(){window}{marks}"));
        }
    }

    /// <summary>Writes how what sequences have chosen comes to where a pass reads it.</summary>
    public void EmitCopyChosen()
    {
        Code.Summary("What each sequence has chosen in its layers.");
        using (Code.Block("private void CopyChosen()"))
        {
            using (Code.Block("for (int i = 0; i < Count; i++)"))
            {
                foreach ((Slot slot, LayerSet layers) in MemoryKernels.Chosen(Program))
                {
                    int words = MemoryKernels.Span(layers) * ChosenWords(slot);
                    Code.Line($"Copy(((State)State(i)).{Kept(slot)}, {Kept(slot)}.SubView(i * {words}, {words}));");
                }
            }
        }
    }

    public void EmitCaches() => Code.Lines("""
        /// <summary>The sequences' keys and values of a layer. A cache is elsewhere once it has grown.</summary>
        private CacheViews Caches(int layer)
        {
            CacheViews caches = default;
            for (int i = 0; i < Count; i++)
            {
                caches[i] = CacheOf(i).View(layer);
            }

            return caches;
        }
        """);
}
