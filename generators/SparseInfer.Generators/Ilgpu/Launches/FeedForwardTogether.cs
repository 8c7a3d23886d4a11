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
            Launch(down, "down", kernels.Select(type => type.DownTogether)),
            Launch(sum, "its sum", FeedForwards.Select(Join)),
        ];
    }

    /// <summary>The statement that calls it.</summary>
    /// <param name="own">Where what policies' kernels read of tokens is.</param>
    public string Call(string normed, Func<TokenData, string> own, string residual, string tokens, string activated, string partial) =>
        $"_program.FeedForwardTogether(Mode, layer, w, {normed}, {OfTokens(data => $"{own(data)}, ")}{residual}, {tokens}, {activated}, {OfCuts($"{SessionPass.CutsBuffer}, ")}{partial}{Squares("_squares")});";

    /// <summary>Writes the program's methods.</summary>
    public void Emit()
    {
        Code.Summary($"The feed-forward of up to {TogetherPlan.Tokens} tokens together, {(HasGates ? "five" : "three")} launches: what any of them wants is read once.");
        using (Code.Block("private void FeedForwardTogether("
            + $"SparsityMode mode, int layer, Layer w, ArrayView<Float4> normed, {OfTokens(data => $"{data.Type} {data.Name}, ")}ArrayView<Float4> residual, int tokens, "
            + $"ArrayView<float> activated, {OfCuts("ArrayView<float> cuts, ")}ArrayView<Float4> partial{(Plan.NormsNeurons ? ", ArrayView<float> squares" : "")})"))
        {
            ForFeedForward((_, weights) => Code.Line($"ActivateTogether(mode, layer, {weights}, normed, {OfTokens(data => $"{data.Name}, ")}tokens, activated{OfCuts(", cuts")});"), (feedForward, weights) =>
            {
                KernelName down = new FeedForwardKernels(Spec, feedForward).DownTogether;
                string config = Config(down, $"{feedForward.ClassName}.Slices", $"{new TogetherPlan(feedForward).DownTiles}");
                Code.Line($"_feedForward{feedForward.Weights}.{down.Name}({config}, {weights}, activated, tokens, partial{Squares("squares")});");
                DeviceKernel join = Join(feedForward);
                Code.Line($"{join.Field}({Config(join, $"{JoinKernel.Groups(feedForward)}", "tokens")}, partial{Squares("squares")}, {JoinArguments}residual);");
            });
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
