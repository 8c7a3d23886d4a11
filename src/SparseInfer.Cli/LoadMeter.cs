using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli;

/// <summary>Shows how far loading is, and ends it at the next tensor.</summary>
/// <param name="progress">Where it is shown.</param>
/// <param name="cancellationToken">Ends it.</param>
internal sealed class LoadMeter(ProgressLine progress, CancellationToken cancellationToken) : IProgress<LoadProgress>
{
    /// <inheritdoc/>
    public void Report(LoadProgress value)
    {
        cancellationToken.ThrowIfCancellationRequested();
        progress.Show("loading", (double)value.BytesDone / Math.Max(1, value.BytesTotal));
    }
}
