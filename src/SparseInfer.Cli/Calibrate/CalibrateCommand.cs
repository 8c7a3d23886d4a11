using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Calibrate;

/// <summary><c>sparseinfer calibrate</c>.</summary>
internal static class CalibrateCommand
{
    /// <summary>Calibrates, writes the profile, and then says what came out.</summary>
    public static async Task RunAsync(CalibrateOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Calibrate(options, error, cancellationToken)));

    /// <summary>Makes a predictor's file, and then says what came out.</summary>
    public static async Task RunAsync(PredictorOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Make(options, error, cancellationToken)));

    /// <summary>Finds thresholds of input channels, writes the profile, and then says what came out.</summary>
    public static async Task RunAsync(ChannelOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Find(options, error, cancellationToken)));

    /// <summary>Finds shares of heads, writes the profile, and then says what came out.</summary>
    public static async Task RunAsync(HeadOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Find(options, error, cancellationToken)));

    private static string Find(HeadOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return new HeadCalibrator(options, progress, cancellationToken).Run();
    }

    private static string Find(ChannelOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return new ChannelCalibrator(options, progress, cancellationToken).Run();
    }

    private static string Make(PredictorOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return options.Kind == PredictorKind.Vocabulary
            ? new VocabularyCalibrator(options, progress, cancellationToken).Run()
            : new PredictorCalibrator(options, progress, cancellationToken).Run();
    }

    private static string Calibrate(CalibrateOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return new Calibrator(options, progress, cancellationToken).Run();
    }
}
