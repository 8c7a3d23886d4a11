using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A batch of a prompt's tokens: matrix products in tiles.</summary>
internal sealed class PromptPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program, FeedForwardTogether sparse)
    : SessionPass(code, plan, program)
{
    private readonly PromptProducts _products = new(code, plan);

    /// <summary>The norm that a layer begins with; null: it begins with something else.</summary>
    private readonly Norm? _first = program.Layer[0] as Norm;

    /// <summary>The same of the next layer, or after the last one the output's: an operation of its own.</summary>
    private readonly Norm? _next = program.Layer[0] is Norm norm ? norm with { } : null;

    protected override string Tokens => "tokens";

    protected override string Start => "start";

    // A layer's end adds and normalises in one launch: the layer begins after its first norm, and ends with the next one's.
    protected override (IEnumerable<Operation> Before, IEnumerable<Operation> Layer, IEnumerable<Operation> After) Operations =>
        _first is null || _next is null ? base.Operations : ([Program.Embed, .. Program.AfterEmbed, _first], [.. Program.Layer.Skip(1), _next], [Program.Head, .. Program.AfterHead]);

    public void Emit() => Emit(
        "A batch of prompt tokens: matrix products in tiles.", "protected override void Prompt()", "int start = Position;\nint tokens = TokenCount;");

    protected override string Field(Norm norm) =>
        ReferenceEquals(norm, _first) ? $"_program._layers[0].{norm.Weight.Field}"
        : ReferenceEquals(norm, _next) ? "_program.NormAfter(layer)"
        : base.Field(norm);

    protected override Step Heads(Norm? norm, Project first, IReadOnlyList<Operation> group) => Together(
        _products.Split(first, Row(first.From), Quads(first.From), Tokens),
        new([_products.Launch(first)], () =>
        {
            using (Code.Block("foreach (DeviceMatrix heads in w.Heads)"))
            {
                Code.Line(PromptProducts.Call("heads", Row(first.From), Tokens, "_products", HeadsStride));
            }

            Code.Line();
        }),
        Rotation(group));

    /// <summary>Densely, as matrix products; else a few tokens at a time, whose channels differ.</summary>
    protected override Step ByChannel(ChannelPlan plan, IReadOnlyList<Project> projects, string y, string stride)
    {
        Slot from = projects[0].From;
        bool isSingle = projects.Count == 1;
        Step dense = _products.ByChannel(plan, projects[0], from, i => isSingle ? $"0, {y}.Cast<float>(), {stride}" : $"{plan.FirstOutput(i)}, {y}, {stride}");
        Step some = SumOfSlices(plan, projects, $"{Part(Row(from), Quads(from))}.Cast<float>()", SomeTokens, Part(y, isSingle ? $"{plan.Quads}" : $"{plan.Outputs}"));
        return new([.. dense.Launches, .. some.Launches], () =>
        {
            using (Code.Block("if (PromptIsDense)"))
            {
                dense.Emit();
            }

            using (Code.Block("else"))
            {
                EmitSome(some);
            }

            Code.Line();
        });
    }

    private bool IsOnce => Plan.Batch <= TogetherPlan.Tokens;

    /// <summary>How many tokens a launch has that may have 16, as C#.</summary>
    private string SomeTokens => IsOnce ? Tokens : "count";

    /// <summary>Their part of a view.</summary>
    /// <param name="length">Elements of a token.</param>
    private string Part(string view, string length)
    {
        string each = length.Contains(' ') ? $"({length})" : length;
        return IsOnce ? view : $"{view}.SubView(i * {each}, count * {each})";
    }

    /// <summary>Writes launches of a few tokens at a time.</summary>
    private void EmitSome(Step some)
    {
        using (IsOnce ? default(CodeWriter.Scope?) : Code.Block("for (int i = 0; i < tokens; i += TogetherTokens)"))
        {
            if (!IsOnce)
            {
                Code.Line("int count = Math.Min(TogetherTokens, tokens - i);");
            }

            some.Emit();
        }
    }

    protected override void EmitCountChannels(ChannelPlan plan)
    {
        using (Code.Block("if (!PromptIsDense)"))
        {
            base.EmitCountChannels(plan);
        }

        Code.Line();
    }

    protected override Step? FeedForwardByChannel(ChannelPlan plan, Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm)
    {
        Step some = NeuronsOfSlices(
            plan,
            neurons,
            down,
            sum,
            Part(Row(Slot.Normed), Quads(Slot.Normed)),
            SomeTokens,
            Part(Row(Slot.Activated), Quads(Slot.Activated)),
            Part(Row(Slot.Residual), Quads(Slot.Residual)));
        return FeedForward(neurons, down, sum, add, norm, some with { Emit = () => EmitSome(some) });
    }

    protected override string Counts => "!PromptIsDense && Metering";

    protected override Step Project(Project project, NormAttended? norm, AddBias? bias) => Together(
        _products.Split(project, Row(Slot.Attended), Quads(Slot.Attended), Tokens),
        Product(project, $"w.{project.Matrix.Field}", Row(Slot.Attended), $"{Row(project.To)}.Cast<float>()", $"4 * {Quads(project.To)}"),
        new([], EmitCountProjections));

    protected override string PhaseCondition => $"!PromptIsDense && {base.PhaseCondition}";

    protected override Step Product(Project project) => Together(
        _products.Split(project, PolicyInput(project), $"{WeightLayout.Pad(project.Matrix.Columns!.Size) / 4}", Tokens),
        Product(project, $"w.{project.Matrix.Field}", PolicyInput(project), $"_{project.To.Variable}", $"{PolicyStride(project.To)}"));

    private Step Product(Operation operation, string matrix, string from, string to, string stride) =>
        Call(PromptProducts.Call(matrix, from, Tokens, to, stride), _products.Launch(operation));

    /// <summary>Densely, as matrix products; else tokens skip neurons each of their own.</summary>
    protected override Step? FeedForward(Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm) =>
        FeedForward(neurons, down, sum, add, norm, Sparse(neurons, down, sum));

    /// <param name="skipping">What tokens launch that are not computed densely.</param>
    private Step FeedForward(Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm, Step skipping)
    {
        Step own = OfLayer(LaunchGroup.OfSum(Program));
        Step dense = Together(DenseNeurons(neurons), DenseDown(neurons, down, sum), own, norm is null ? OfLayer([add]) : AddNorm(add, norm));
        Step after = norm is null ? Nothing : Norm(norm);
        return new([.. dense.Launches, .. skipping.Launches, .. after.Launches], () =>
        {
            using (Code.Block("if (PromptIsDense)"))
            {
                dense.Emit();
            }

            using (Code.Block("else"))
            {
                skipping.Emit();
                if (norm is not null)
                {
                    Code.Line();
                    after.Emit();
                }
            }
        });
    }

    /// <summary>Some tokens at a time, in a dense prompt too: each has experts of its own. Where kernels count, they have one token.</summary>
    protected override Step? Experts(Neurons neurons, Down down, SumExperts sum, Norm? norm)
    {
        Step after = norm is null ? Nothing : Norm(norm);
        return new([.. new ExpertLaunches(Code, Plan).Launches(neurons, down, sum), .. after.Launches], () =>
        {
            bool isOnce = Plan.Batch <= TogetherPlan.Tokens;
            Code.Line("SparsityMode mode = PromptIsDense ? SparsityMode.Dense : Mode;");
            Code.Line("bool meters = !PromptIsDense && Metering;");
            Code.Line($"int together = meters ? 1 : {(isOnce ? Tokens : "TogetherTokens")};");
            using (Code.Block("for (int i = 0; i < tokens; i += together)"))
            {
                Code.Line(ExpertLaunches.CallOfPrompt("i", isOnce ? "together" : "Math.Min(together, tokens - i)"));
            }

            if (norm is not null)
            {
                Code.Line();
                after.Emit();
            }
        });
    }

    /// <summary>Where a matrix's products of neurons go.</summary>
    private static string Neuron(int matrix) => matrix == 0 ? Row(Slot.Activated) : "_other";

    private Step DenseNeurons(Neurons neurons) => Plan.ByChannel(neurons.Matrices[0]) is { } plan
        ? _products.ByChannel(plan, neurons, Slot.Normed, i => $"0, {Neuron(i)}.Cast<float>(), 4 * {Quads(Slot.Activated)}")
        : Together(
    [
        _products.Split(neurons, Row(Slot.Normed), Quads(Slot.Normed), Tokens),
        .. neurons.Matrices.Select((matrix, i) => Product(
            neurons, $"w.{matrix.Field}", Row(Slot.Normed), $"{Neuron(i)}.Cast<float>()", $"4 * {Quads(Slot.Activated)}")),
    ]);

    /// <summary>Activations, and down of them: in one go for each weight type.</summary>
    private Step DenseDown(Neurons neurons, Down down, SumSlices sum)
    {
        string other = Neuron(neurons.Matrices.Count - 1);
        Step split = _products.Split(down, Row(Slot.Activated), Quads(Slot.Activated), Tokens);
        Step count = Together([.. Program.Memories.Select(Count)]);
        Step norm = Program.Layer.OfType<NormNeurons>().SingleOrDefault() is { } own ? NormNeurons(own) : Nothing;
        Step? bias = sum.Bias is null ? null : AddBias(new AddBias(sum.Stage, sum.Unit, sum.Bias, sum.Writes));
        DeviceKernel? matrix = _products.MatrixDown;
        return new(
            [
                .. OfGates(type => type.Gates).Where(launch => launch.Operation is MeasureGates),
                Launch(neurons, "activations", FeedForwards.Select(feedForward => new FeedForwardKernels(Spec, feedForward).ActivateBatch)),
                .. count.Launches,
                .. norm.Launches,
                .. split.Launches,
                Launch(down, "down", [.. FeedForwards.Select(_products.Down), .. matrix is null ? Array.Empty<KernelName>() : [matrix]]),
                .. matrix is null || bias is null ? [] : bias.Launches,
            ],
            () => ForFeedForward((feedForward, weights) =>
            {
                KernelName activate = new FeedForwardKernels(Spec, feedForward).ActivateBatch;
                string kernels = $"_program._feedForward{feedForward.Weights}";
                if (HasGates)
                {
                    Code.Line(CutOf(feedForward, kernels, weights, Tokens, $"{Neuron(0)}.Cast<float>()", CutsBuffer));
                }

                Code.Line($"{kernels}.{activate.Name}({Config(activate, Groups(activate, feedForward.Intermediate), Tokens)}, "
                    + $"{weights}, {Neuron(0)}.Cast<float>(), {other}.Cast<float>(){OfCuts($", {CutsBuffer}")});");
                count.Emit();
                norm.Emit();
            }, (feedForward, _) =>
            {
                _products.ForTensorCores(
                    feedForward.Weights,
                    () =>
                    {
                        split.Emit();
                        _products.EmitMatrixDown(Tokens);
                        bias?.Emit();
                    },
                    () => _products.EmitDown(feedForward, Tokens));
            }));
    }

    /// <summary>What a policy remembers of a prompt's tokens.</summary>
    private Step Count(MemoryUse use)
    {
        int neurons = Spec.FeedForward.Intermediate;
        string stride = $"4 * {Quads(Slot.Activated)}";
        string activated = $"{Row(Slot.Activated)}.Cast<float>()";
        Step[] steps = [.. use.Memory.Counting.Select(operation =>
        {
            switch (operation)
            {
                case SumOfSquares sum:
                    DeviceKernel squares = MemoryKernels.Squares(Code, neurons, stride);
                    return Call(Run(squares, Config(squares, Tokens), $"{activated}, {Kept(sum.To)}"), Launch(operation, "squares of neurons", [squares]));
                case AddShares add:
                    DeviceKernel shares = MemoryKernels.Add(Code, neurons, stride);
                    return Call(
                        Run(
                            shares,
                            Config(shares, Groups(shares, neurons)),
                            $"{activated}, {Kept(add.Squares)}, RememberedFrom, {Tokens}, {Kept(add.To)}, {PlaceOf(use.Use.Layers, PolicyStride(add.To))}"),
                        Launch(operation, "shares of neurons", [shares]));
                default:
                    throw new NotSupportedException($"A GPU's program cannot count tokens by {operation.GetType().Name}.");
            }
        })];
        return new([.. steps.SelectMany(step => step.Launches)], () =>
        {
            using (Code.Block($"if (IsRemembered{(use.Use.Layers.IsEveryLayer ? "" : $" && {use.Use.Layers.Condition}")})"))
            {
                Emit(steps);
            }

            Code.Line();
        });
    }

    private Step NormNeurons(NormNeurons norm)
    {
        DeviceKernel kernel = Norms.Neurons();
        return Call(Run(kernel, Config(kernel, Tokens), $"{Row(Slot.Activated)}, {Weights(norm)}"), Launch(norm, "neurons' norm", [kernel]));
    }

    /// <summary>Tokens that skip neurons each of their own: a few share what they read. Meters count the rows of one.</summary>
    private Step Sparse(Neurons neurons, Down down, SumSlices sum)
    {
        var alone = new Step(FeedForwardOfOne(neurons, sum), () =>
        {
            using (Code.Block("for (int i = 0; i < tokens; i++)"))
            {
                Code.Line("FeedForward(layer, w, i);");
            }
        });
        return !Plan.SkipsTogether ? alone : new([.. sparse.Launches(neurons, down, sum), .. alone.Launches], () =>
        {
            using (Code.Block("if (SkipsTogether)"))
            {
                EmitTogether();
            }

            using (Code.Block("else"))
            {
                alone.Emit();
            }
        });
    }

    private void EmitTogether()
    {
        bool isOnce = Plan.Batch <= TogetherPlan.Tokens;
        string Part(string view, string stride) => isOnce ? view : $"{view}.SubView(i * {stride}, count * {stride})";
        using (isOnce ? default(CodeWriter.Scope?) : Code.Block("for (int i = 0; i < tokens; i += TogetherTokens)"))
        {
            if (!isOnce)
            {
                Code.Line("int count = Math.Min(TogetherTokens, tokens - i);");
            }

            Code.Line(sparse.Call(
                Part("_normed", "HiddenQuads"),
                data => Part(data.Buffer, $"{data.Length(Spec.Hidden)}"),
                Part("_x", "HiddenQuads"),
                isOnce ? Tokens : "count",
                "_activated.Cast<float>()",
                "_partial.View",
                Plan.Channels.FirstOrDefault(plan => plan.IsDown) is { } down ? KeptChannels(down) : null));
        }
    }

    /// <summary>Of the last tokens, often of one.</summary>
    protected override Step Logits(Project head)
    {
        Step split = _products.Split(head, "last", "HiddenQuads", "count");
        Step after = AfterHead("Logits", "count");
        return new([.. LogitsOfOne(head), .. split.Launches, _products.Launch(head)], () =>
        {
            using (ElseAll("!PromptIsDense && Mode == SparsityMode.Predicted", "tokens - LogitsFrom", EmitChosen))
            {
                using (Code.Block("if (LogitsFrom == tokens - 1)"))
                {
                    Code.Line("LogitsOf(LogitsFrom);");
                }

                using (Code.Block("else if (LogitsFrom < tokens)"))
                {
                    Code.Line("int count = tokens - LogitsFrom;");
                    Code.Line("ArrayView<Float4> last = _normed.SubView(LogitsFrom * HiddenQuads, count * HiddenQuads);");
                    split.Emit();
                    Code.Line(PromptProducts.Call("_program._head", "last", "count", "Logits", "Vocabulary"));
                    after.Emit();
                    EmitArgMax("Logits.SubView((long)(count - 1) * Vocabulary, Vocabulary)");
                }
            }
        });

        void EmitChosen()
        {
            using (Code.Block("for (int i = LogitsFrom; i < tokens; i++)"))
            {
                Code.Line("ChosenLogitsOf(i, to: i - LogitsFrom);");
            }
        }
    }

    /// <summary>Writes which norm follows a layer, where layers begin with one.</summary>
    public void EmitNormAfter()
    {
        if (_first is null)
        {
            return;
        }

        Code.Summary("The norm that follows a layer's feed-forward.");
        Code.Line($"private DeviceNorm NormAfter(int layer) => layer + 1 < LayerCount ? _layers[layer + 1].{_first.Weight.Field} : _outputNorm;");
        Code.Line();
    }

    public void EmitProducts() => _products.Emit();
}
