using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>
/// What no program has for a policy: the residual stream as the feed-forward's norm read it, where more was added to it since, as in parallel attention.
/// </summary>
internal static class ResidualLimit
{
    /// <summary>In words, and what to change; null: no policy reads it too late.</summary>
    public static string? Of(ModelSpec model) => ModelProgram.Of(model).Layer
        .SkipWhile(operation => operation is not Norm { Stage: Stage.FeedForward })
        .SkipWhile(operation => operation is not AddResidual)
        .Any(operation => operation.Policy is not null && operation.Reads.Contains(Slot.Residual))
        ? "a predictor that reads the residual stream as it is before the feed-forward's norm has nothing to read where attention is added "
            + "after that norm; write 'Input = PredictorInput.Normed' if it was trained so, or another policy"
        : null;
}
