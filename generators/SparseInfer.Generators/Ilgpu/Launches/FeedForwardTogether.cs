using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A feed-forward of several tokens that skip neurons each of their own: what prompts and batches of sequences launch for it.</summary>
internal sealed class FeedForwardTogether(CodeWriter code, IlgpuDecoderPlan plan) : LaunchCode(code, plan)
{
    public Launch[] Launches(Neurons neurons, Down down, SumSlices sum)
    {
        FeedForwardKernels[] kernels = [.. FeedForwards.Select(feedForward => new FeedForwardKernels(Spec, feedForward))];
        return
        [
            .. PolicyInput(neurons),
            .. OfGates(type => type.GatesTogether),
            new(neurons, "feed-forward", [.. kernels.SelectMany(type => type.Together)]),
            .. new DownLaunches(Code, Plan).Launches(down, sum),
        ];
    }

    /// <summary>The statement that calls it.</summary>
    /// <param name="own">Where what policies' kernels read of tokens is.</param>
    /// <param name="kept">Where neurons are counted that are kept, where down leaves out some.</param>
    public string Call(string normed, Func<TokenData, string> own, string residual, string tokens, string activated, string partial, string? kept) =>
        $"_program.FeedForwardTogether(Mode, layer, w, {normed}, {OfTokens(data => $"{own(data)}, ")}{residual}, {tokens}, {activated}, {OfCuts($"{SessionPass.CutsBuffer}, ")}{partial}{Squares("_squares")}{(kept is null ? "" : $", {kept}")});";

    /// <summary>Writes the program's methods.</summary>
    public void Emit()
    {
        Code.Summary($"The feed-forward of up to {TogetherPlan.Tokens} tokens together, {(HasGates ? "five" : "three")} launches: what any of them wants is read once.");
        using (Code.Block("private void FeedForwardTogether("
            + $"SparsityMode mode, int layer, Layer w, ArrayView<Float4> normed, {OfTokens(data => $"{data.Type} {data.Name}, ")}ArrayView<Float4> residual, int tokens, "
            + $"ArrayView<float> activated, {OfCuts("ArrayView<float> cuts, ")}ArrayView<Float4> partial{(Plan.NormsNeurons ? ", ArrayView<float> squares" : "")}{(Plan.SeparatesDown ? ", ArrayView<long> kept" : "")})"))
        {
            var apart = new DownLaunches(Code, Plan);
            var place = new DownPlace("", "mode", "tokens", "activated", "partial", "squares", "residual", "kept");
            ForFeedForward(
                (_, weights) => Code.Line($"ActivateTogether(mode, layer, {weights}, normed, {OfTokens(data => $"{data.Name}, ")}tokens, activated{OfCuts(", cuts")});"),
                (feedForward, weights) => apart.EmitDown(feedForward, weights, place),
                () => apart.EmitChoice(place));
        }

        foreach (IlgpuFeedForwardPlan feedForward in FeedForwards)
        {
            Code.Line();
            EmitActivate(feedForward);
        }
    }

    private void EmitActivate(IlgpuFeedForwardPlan feedForward)
    {
        Code.Summary("Predict, gate and up of several tokens, as the mode and the layer's policy have it.");
        using (Code.Block("private void ActivateTogether("
            + $"SparsityMode mode, int layer, {feedForward.ClassName}.Weights w, ArrayView<Float4> x, {OfTokens(data => $"{data.Type} {data.Name}, ")}int tokens, "
            + $"ArrayView<float> activated{OfCuts(", ArrayView<float> cuts")})"))
        {
            Code.Line($"var config = new KernelConfig({new TogetherPlan(feedForward).Groups}, {TogetherPlan.Threads});");
            Code.Line($"{feedForward.ClassName}.Kernels kernels = _feedForward{feedForward.Weights};");
            if (HasGates)
            {
                Code.Line($"kernels.{TogetherKernel.GatesName}(config, w, x, tokens, activated);");
                Code.Line(CutOf(feedForward, "kernels", "w", "tokens", "activated", "cuts"));
                Code.Line();
            }

            PolicySwitch.Emit(
                Code,
                feedForward.Shape,
                Spec.Policies,
                IlgpuKernelEmitter.Set,
                (kernel, arguments) => IlgpuCall.Together(Code, feedForward, kernel, arguments, "x", data => data.Name, vector => $"_layers[layer].{vector.Field}", "activated"),
                mode: "mode");
        }
    }
}
