using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Traits.Observed;

/// <summary>Sessions show what they compute to an observer.</summary>
internal sealed class ObservedTrait : ModelTrait
{
    public override string AttributeName => "SparseInfer.ObservedAttribute";

    public override TraitSpec Parse(DeclaredAttribute attribute) => new ObservedSpec();
}

internal sealed record ObservedSpec : TraitSpec, IProgramTrait
{
    public override string Describe() => "activations are shown to a session's observer";

    /// <summary>
    /// Each vector is shown where it is complete: what a norm made at once, since every worker has it; what all workers made after the barrier that
    /// whoever reads it next waits for anyway. What the feed-forward made stays until the next one, so that it is shown at the layer's end.
    /// </summary>
    public ModelProgram Apply(ModelProgram program, ModelSpec spec) => program with
    {
        IsObserved = true,
        Layer =
        [
            .. program.Layer.SelectMany(operation => operation switch
            {
                Norm { Stage: Stage.Heads } norm => [norm, new Observe(Stage.Heads, ObservedActivation.AttentionInput, norm.Writes)],
                Project { Stage: Stage.Output } project => [new Observe(Stage.Output, ObservedActivation.Attended, project.From), project],
                Norm { Stage: Stage.FeedForward } norm =>
                [
                    new Observe(Stage.FeedForward, ObservedActivation.Residual, Slot.Residual),
                    norm,
                    new Observe(Stage.FeedForward, ObservedActivation.FeedForwardInput, norm.Writes),
                ],
                _ => new[] { operation },
            }),
            .. program.Layer.OfType<Route>().SelectMany(route => new[] { ObservedActivation.Experts, ObservedActivation.ExpertWeights }
                .Select(what => new Observe(Stage.Observation, what, route.Writes))),
            new Observe(Stage.Observation, ObservedActivation.Neurons, Slot.Activated),
            new Observe(Stage.Observation, ObservedActivation.FeedForwardOutput, Slot.Projected),
        ],
    };
}
