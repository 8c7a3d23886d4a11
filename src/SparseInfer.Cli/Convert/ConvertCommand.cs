using System.Globalization;
using SparseInfer.Cli.Bench;
using SparseInfer.Files;

namespace SparseInfer.Cli.Convert;

/// <summary><c>sparseinfer convert</c>.</summary>
internal static class ConvertCommand
{
    /// <summary>Prepares the file, and says what was written.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where the result goes.</param>
    /// <param name="error">Where progress goes.</param>
    /// <param name="cancellationToken">Ends it, leaving nothing behind.</param>
    public static async Task RunAsync(ConvertOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        PreparationReport report = CliException.OfFiles(() => Convert(options, error, cancellationToken));
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.File}: {report.Bytes / 1e6:N0} MB, {report.Transposed} down matrices neuron-major, "
            + $"signs of {report.SignPlanes} matrices."));
    }

    private static PreparationReport Convert(ConvertOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        // A link to nowhere is there too, but cannot be replaced.
        if (File.Exists(options.Destination) && !options.Preparation.Overwrite
            && File.ResolveLinkTarget(options.Destination, returnFinalTarget: true) is null or { Exists: true })
        {
            throw new CliException($"{options.Destination} is there already: give --force to replace it.");
        }

        using ModelFile source = ModelFile.Open(options.Source);
        using var line = ProgressLine.On(error);
        return ModelPreparation.Write(source, options.Destination, options.Preparation, new Progress(line), cancellationToken);
    }

    /// <summary>Told on the thread that writes, unlike <see cref="System.Progress{T}"/>: nothing is told once the work has ended.</summary>
    private sealed class Progress(ProgressLine line) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => line.Show("Converting", (double)value.BytesDone / value.BytesTotal);
    }
}
