using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A pass of one session's tokens: what one and a batch of them launch alike, and the methods that both call.</summary>
internal abstract class SessionPass(CodeWriter code, IlgpuDecoderPlan plan, ModelProgram program) : LaunchPass(code, plan, program)
{
    /// <summary>The position of the first token, as C#.</summary>
    protected abstract string Start { get; }

    protected override string EmbedStart => Position is null ? "" : Start;

    protected override Step Attend(Attend attend) => Call(
        $"Attend(layer, {Start}, {Tokens});",
        Launch(attend, "attention", CachePlan.Types.Select(Attention.Part)),
        Launch(attend, "its splits", [Attention.Join()]));

    protected override void EmitBytes(IEnumerable<Project> projects)
    {
        using (Code.Block("if (Metering)"))
        {
            string bytes = string.Join(" + ", projects.Select(project => $"w.{project.Matrix.Field}.ByteLength"));
            Code.Line($"CountBytes(layer, {Tokens} * ({bytes}));");
        }
    }

    /// <summary>What the feed-forward of one token launches.</summary>
    protected Launch[] FeedForwardOfOne(Neurons neurons, SumSlices sum) =>
    [
        .. PolicyInput(neurons),
        new(neurons, "feed-forward", [.. FeedForwards.SelectMany(feedForward => new FeedForwardKernels(Spec, feedForward).Fused)]),
        Launch(sum, "its sum", FeedForwards.Select(Join)),
    ];

    /// <summary>What the logits of one token launch.</summary>
    protected Launch[] LogitsOfOne(Project head) =>
        [Launch(head, "logits", head.Matrix.Types(Spec).Select(Head)), .. AfterHead("Logits", "1").Launches, ArgMax(head)];

    private DeviceKernel Head(WeightType type) => Rows.Rows("Head", "Logits of one token.", type, Program.Head.Matrix.Columns!.Size, biased: false);

    public void EmitAttend()
    {
        using (Code.Block("private void Attend(int layer, int start, int tokens)"))
        {
            Code.Line($"int splits = {SplitsOf("start + tokens")};");
            string window = WindowCode.Has(Spec) ? ", window" : "";
            if (window.Length > 0)
            {
                Code.Line($"int window = {WindowCode.Value(Spec)};");
            }

            Code.Line($"var config = {Config(Attention.Part(CachePlan.Types[0]), "Heads", "splits", "tokens")};");
            ForCache("_cache", type => Code.Line(
                Run(Attention.Part(type), "config", $"_queries, _cache.View(layer), start, _parts.View, _most.View, _weight.View{window}")));
            DeviceKernel join = Attention.Join();
            Code.Line(Run(
                join, Config(join, "Heads", "tokens"), $"_parts.View.Cast<float>(), _most.View, _weight.View, start, splits, _attended.Cast<float>(){window}"));
        }
    }

    public void EmitFeedForward()
    {
        Code.Summary("The feed-forward of one token of the batch: two launches.");
        using (Code.Block("private void FeedForward(int layer, Layer w, int row)"))
        {
            string own = OfTokens(data => $", {data.Buffer}.SubView(row * {data.Length(Spec.Hidden)}, {data.Length(Spec.Hidden)})");
            Code.Line("ArrayView<Float4> input = _normed.SubView(row * HiddenQuads, HiddenQuads);");
            Code.Line("ArrayView<Float4> residual = _x.SubView(row * HiddenQuads, HiddenQuads);");
            if (MixesDown)
            {
                using (Code.Block($"if ({FirstMatrix}.Type != w.Down.Type)"))
                {
                    ForFeedForward((_, weights) => Code.Line($"ActivateApart(layer, {weights}, input{own});"), EmitDownApart);
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

        foreach (IlgpuFeedForwardPlan feedForward in FeedForwards)
        {
            Code.Line();
            EmitActivate(feedForward, hasDown: true);
        }

        foreach (IlgpuFeedForwardPlan feedForward in MixesDown ? FeedForwards : [])
        {
            Code.Line();
            EmitActivate(feedForward, hasDown: false);
        }
    }

    /// <summary>Writes down of one token where it has another type: as of several tokens.</summary>
    private void EmitDownApart(IlgpuFeedForwardPlan feedForward, string weights)
    {
        KernelName down = new FeedForwardKernels(Spec, feedForward).DownTogether;
        string config = Config(down, $"{feedForward.ClassName}.Slices", $"{new TogetherPlan(feedForward).DownTiles}");
        Code.Line($"_program._feedForward{feedForward.Weights}.{down.Name}({config}, {weights}, _activated.Cast<float>(), 1, _partial.View{Squares("_squares")});");
        EmitJoin(feedForward);
    }

    private void EmitJoin(IlgpuFeedForwardPlan feedForward)
    {
        DeviceKernel join = Join(feedForward);
        Code.Line(Run(join, Config(join, $"{JoinKernel.Groups(feedForward)}"), $"_partial.View{Squares("_squares")}, {JoinArguments}residual"));
    }

    private void EmitActivate(IlgpuFeedForwardPlan feedForward, bool hasDown)
    {
        string name = feedForward.ClassName;
        Code.Summary($"Predict, gate{(hasDown ? ", up and down" : " and up, before a down of another weight type")}, as the mode and the layer's policy have it.");
        using (Code.Block($"private void {(hasDown ? "Activate" : "ActivateApart")}(int layer, {name}.Weights w, ArrayView<Float4> x{OfTokens(data => $", {data.Type} {data.Name}")})"))
        {
            string to = hasDown ? $"_partial.View{Squares("_squares")}" : "_activated.Cast<float>()";
            new FeedForwardCalls(Code, feedForward).EmitActivate(
                $"_program._feedForward{feedForward.Weights}",
                Spec.Policies,
                (kernel, arguments) => IlgpuCall.Of(Code, feedForward, kernel, arguments, "x", data => data.Name, vector => $"_program._layers[layer].{vector.Field}", to, "Counts(layer)", "layer, ", hasDown));
        }
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
