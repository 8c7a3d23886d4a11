using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>What no decoder computes: an activation that needs all gates of a token.</summary>
internal static class CutLimit
{
    /// <summary>In words, and what to change; null: the model has no such activation.</summary>
    public static string? Of(ModelSpec model) => model.FeedForward.Activation.NeedsAllGates()
        ? $"no decoder has Activation.{model.FeedForward.Activation} yet; declare the feed-forward as a layer alone, on a property, "
            + "or another activation"
        : null;
}
