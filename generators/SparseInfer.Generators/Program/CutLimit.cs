using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>What no program computes of an activation that needs all gates of a token.</summary>
internal static class CutLimit
{
    /// <summary>In words, and what to change; null: there is nothing, or the model has no such activation.</summary>
    public static string? Of(ModelSpec model) => !model.FeedForward.Activation.NeedsAllGates() ? null
        : model.Experts is not null
            ? $"the neurons of experts have no cut, which Activation.{model.FeedForward.Activation} has; remove [Experts], or write another activation"
        : InputChannels.AreOfNeurons(model)
            ? $"channels of the feed-forward's input are left out by [InputThreshold] where every neuron is activated at once, but Activation.{model.FeedForward.Activation} "
                + "cuts relative to all of them; remove 'FeedForward' from [InputThreshold], or write another activation"
        : null;
}
