using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// The chosen experts of some tokens, in two launches whatever the number of tokens: a group has a slice of one expert's neurons for one token, as it has
/// one of a dense layer's, so that a token has the bits that it has alone. Which experts these are is known on the device only.
/// </summary>
internal sealed class ExpertLaunches(CodeWriter code, IlgpuDecoderPlan plan) : LaunchCode(code, plan)
{
    /// <summary>The method that passes call, its number of tokens and the first of them last.</summary>
    private const string Method = "ExpertsOf";

    public Launch[] Launches(Neurons neurons, Down down, SumExperts sum)
    {
        FeedForwardKernels[] kernels = [.. FeedForwards.Select(feedForward => new FeedForwardKernels(Spec, feedForward))];
        return
        [
            .. PolicyInput(neurons),
            new(neurons, "experts", [.. kernels.SelectMany(type => type.Fused)]),
            Launch(sum, "their sum", FeedForwards.Select(Join)),
        ];
    }

    /// <summary>The statement for one token, or for a token of each sequence.</summary>
    public static string Call(string first, string tokens, string? metering = null) =>
        $"{Method}(Mode, {(metering is null ? "" : $"{metering}, ")}layer, w, {first}, {tokens});";

    /// <summary>The same for a prompt's, which may be dense in any mode.</summary>
    public static string CallOfPrompt(string first, string tokens) => $"{Method}(mode, meters, layer, w, {first}, {tokens});";

    /// <summary>Writes the methods of a session, or of a batch of them.</summary>
    /// <param name="meters">Whether it is a session, whose kernels may count: of one token at a time.</param>
    public void Emit(bool meters)
    {
        string metering = meters ? "bool meters, " : "";
        Code.Summary("The chosen experts of some tokens, from the first on, added to the residual stream.");
        using (Code.Block($"private void {Method}(SparsityMode mode, {metering}int layer, Layer w, int first, int tokens)"))
        {
            string Part(string view, string stride) => $"{view}.SubView(first * {stride}, tokens * {stride})";
            Code.Line($"ArrayView<int> experts = {Part(ExpertKernels.ChosenBuffer, "ActiveExperts")};");
            Code.Line($"ArrayView<Float4> input = {Part("_normed", "HiddenQuads")};");
            string own = OfTokens(data => $", {Part(data.Buffer, $"{(data.IsOfEachExpert ? "ActiveExperts * " : "")}{data.Length(Spec.Hidden)}")}");
            string Arguments(string weights) => $"(mode, {(meters ? "meters, " : "")}layer, {weights}, experts, input{own}, tokens);";
            if (MixesDown)
            {
                using (Code.Block($"if ({FirstMatrix}.Type != w.Down.Type)"))
                {
                    ForFeedForward((_, weights) => Code.Line($"ActivateApart{Arguments(weights)}"), EmitDown);
                    Code.Line("return;");
                }

                Code.Line();
            }

            ForFeedForward("w.Down", (feedForward, weights) =>
            {
                Code.Line($"Activate{Arguments(weights)}");
                EmitJoin(feedForward);
            });

            void EmitDown(IlgpuFeedForwardPlan feedForward, string weights)
            {
                KernelName down = new FeedForwardKernels(Spec, feedForward).DownTogether;
                string config = Config(down, $"{feedForward.ClassName}.Slices", $"{new TogetherPlan(feedForward).DownTiles}", "tokens * ActiveExperts");
                Code.Line($"_program._feedForward{feedForward.Weights}.{down.Name}({config}, {weights}, experts, _activated, 1, {Partial(meters)});");
                EmitJoin(feedForward);
            }

            void EmitJoin(IlgpuFeedForwardPlan feedForward)
            {
                DeviceKernel join = Join(feedForward);
                string config = Config(join, $"{JoinKernel.Groups(feedForward)}", "tokens");
                Code.Line(Run(join, config, $"{Partial(meters)}, {Part(ExpertKernels.SharesBuffer, "ActiveExperts")}, {JoinArguments}{Part("_x", "HiddenQuads")}"));
            }
        }

        foreach (IlgpuFeedForwardPlan feedForward in FeedForwards)
        {
            Code.Line();
            EmitActivate(feedForward, meters, hasDown: true);
        }

        foreach (IlgpuFeedForwardPlan feedForward in MixesDown ? FeedForwards : [])
        {
            Code.Line();
            EmitActivate(feedForward, meters, hasDown: false);
        }

        if (meters)
        {
            EmitDownRowBytes();
        }
    }

    /// <summary>A session's partial sums grow with its first prompt; a batch has them at once.</summary>
    private static string Partial(bool ofSession) => ofSession ? "_partial.View" : "_partial";

    private void EmitActivate(IlgpuFeedForwardPlan feedForward, bool meters, bool hasDown)
    {
        string name = feedForward.ClassName;
        Code.Summary($"Predict, gate{(hasDown ? ", up and down" : " and up, before a down of another weight type")}, as the mode and the layer's policy have it.");
        using (Code.Block($"private void {(hasDown ? "Activate" : "ActivateApart")}(SparsityMode mode, {(meters ? "bool meters, " : "")}int layer, {name}.Weights w, "
            + $"ArrayView<int> experts, ArrayView<Float4> x{OfTokens(data => $", {data.Type} {data.Name}")}, int tokens)"))
        {
            string to = hasDown ? Partial(meters) : "_activated";
            new FeedForwardCalls(Code, feedForward).EmitActivate(
                $"_program._feedForward{feedForward.Weights}",
                Spec.Policies,
                (kernel, arguments) => IlgpuCall.Of(
                    Code, feedForward, kernel, arguments, "x", data => data.Name, vector => $"_program._layers[layer].{vector.Field}", to, "Counts(layer)", "layer, ", hasDown,
                    meters ? "meters" : null, ("experts", Plan.ActiveExperts), "tokens"),
                groups: $"new Index3D({name}.Slices, ActiveExperts, tokens)",
                threads: $"new Index3D({name}.Threads, 1, 1)",
                mode: "mode");
        }
    }
}
