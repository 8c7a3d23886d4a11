using SparseInfer;

namespace Stories.Reports;

/// <summary>The sentences and figures that both reports show.</summary>
internal static class Wording
{
    /// <summary>What one must know before drawing conclusions.</summary>
    public const string Caution =
        "This model fits in a processor's cache, and training helped the predictor along: the figures show how the software works, "
        + "not how fast or how good the method is on a large model (model/CARD.md).";

    public static string Introduction(LanguageModel model) =>
        $"{model.Shape.Name}: {model.Shape.Layers} layers of {model.Shape.Intermediate} neurons, hidden {model.Shape.Hidden}, "
        + $"{Megabytes(model.LoadReport.WeightBytes)} of weights. {model.Device.Description}.";

    public static string Ending(StoryOptions options, GenerationReport generation) =>
        $"{Tokens(generation.GeneratedTokens)} in {options.Mode.ToString().ToLowerInvariant()} mode; "
        + $"{Reason(generation.Reason)}. Repeat with --seed {options.Seed}.";

    public static string Method(HeldOutText text) =>
        $"Speed: the prompt continued greedily, best of {Speed.Rounds} runs. All else: {text.Tokens:#,0} tokens of held-out text in "
        + $"windows of {HeldOutText.Window}, with the mode's skipping on at every position. KiB: what a token touches of the "
        + "feed-forwards' weights and of the predictor's data.";

    /// <summary>A share in percent; a dash where there is none.</summary>
    public static string Percent(double share) => double.IsNaN(share) ? "-" : share >= 0.9995 ? "100%" : $"{100 * share:0.0}%";

    /// <summary>A change in percent, with its sign.</summary>
    public static string Change(double value, double from) => $"{100 * ((value / from) - 1):+0.0;-0.0;0.0}%";

    /// <summary>Bytes as KiB.</summary>
    public static string Kibibytes(double bytes) => $"{bytes / 1024:#,0}";

    private static string Megabytes(long bytes) => $"{bytes / 1e6:0.0} MB";

    private static string Tokens(int count) => count == 1 ? "1 token" : $"{count} tokens";

    private static string Reason(StopReason reason) => reason switch
    {
        StopReason.EndOfSequence => "the story is over",
        StopReason.ContextFull => "the context is full",
        StopReason.Canceled => "canceled",
        _ => "stopped at --tokens",
    };
}
