using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Calibrate;

/// <summary><c>sparseinfer calibrate</c>.</summary>
internal static class CalibrateCommand
{
    /// <summary>Calibrates, writes the profile, and then says what came out.</summary>
    public static async Task RunAsync(CalibrateOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Calibrate(options, error, cancellationToken)));

    private static string Calibrate(CalibrateOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        using var progress = ProgressLine.On(error);
        return new Calibrator(options, progress, cancellationToken).Run();
    }
}
