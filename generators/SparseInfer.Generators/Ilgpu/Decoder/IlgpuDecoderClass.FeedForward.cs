using SparseInfer.Generators.Emit;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What prompts and batches of sequences launch for a feed-forward of several tokens.</summary>
internal sealed partial class IlgpuDecoderClass
{
    private void EmitFeedForwardTogether()
    {
        _code.Summary($"The feed-forward of up to {TogetherPlan.Tokens} tokens together, three launches: what any of them wants is read once.");
        string signs = _packsSigns ? "ArrayView<Words4> signs, " : "";
        using (_code.Block("private void FeedForwardTogether("
            + $"SparsityMode mode, int layer, Layer w, ArrayView<Float4> normed, {signs}ArrayView<Float4> residual, int tokens, "
            + "ArrayView<float> activated, ArrayView<Float4> partial)"))
        {
            ForType("w.Down", type =>
            {
                IlgpuFeedForwardPlan plan = _feedForwards.First(candidate => candidate.Weights == type);
                string weights = $"w.{FeedForwardField(plan)}";
                _code.Line($"ActivateTogether(mode, layer, {weights}, normed, {(_packsSigns ? "signs, " : "")}tokens, activated);");
                var together = new TogetherPlan(plan);
                string down = Config($"{plan.ClassName}.Slices", $"{together.DownTiles}", "1", $"{together.DownThreads}");
                _code.Line($"_feedForward{type}.{TogetherDownKernel.Name}({down}, {weights}, activated, tokens, partial);");
                string bias = _spec.FeedForward.Biases ? "w.DownBias.Cast<Float4>(), " : "";
                string join = Config($"{JoinKernel.Groups(plan)}", "tokens", "1", $"{JoinKernel.Threads(plan)}");
                _code.Line($"_join{type}({join}, partial, {bias}residual);");
            });
        }

        foreach (IlgpuFeedForwardPlan plan in _feedForwards)
        {
            _code.Line();
            EmitPoliciesTogether(plan);
        }
    }

    private void EmitPoliciesTogether(IlgpuFeedForwardPlan plan)
    {
        _code.Summary("Predict, gate and up of several tokens, as the mode and the layer's policy have it.");
        string signs = _packsSigns ? "ArrayView<Words4> signs, " : "";
        using (_code.Block("private void ActivateTogether("
            + $"SparsityMode mode, int layer, {plan.ClassName}.Weights w, ArrayView<Float4> x, {signs}int tokens, ArrayView<float> activated)"))
        {
            _code.Line($"var config = {Config($"{new TogetherPlan(plan).Groups}", $"{TogetherPlan.Threads}")};");
            _code.Line($"{plan.ClassName}.Kernels kernels = _feedForward{plan.Weights};");
            PolicySwitch.Emit(
                _code,
                plan.Shape,
                _spec.Policies,
                IlgpuKernelEmitter.Set,
                (kernel, arguments) => IlgpuCall.Together(plan, kernel, arguments, "x", "signs", "activated"),
                mode: "mode");
        }
    }

    /// <summary>Four columns each of the partial sums of down that a token leaves.</summary>
    private int PartialQuads => _feedForwards.Max(plan => plan.Slices * plan.Row.Columns / 4);
}
