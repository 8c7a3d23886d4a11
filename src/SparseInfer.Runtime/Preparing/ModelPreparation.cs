using SparseInfer.Files;
using SparseInfer.Preparing;

namespace SparseInfer;

/// <summary>
/// Writes prepared model files (<see cref="PreparedTensors"/>): loading one maps it, checks it, and is done. Down matrices are stored
/// neuron-major only, so the file is a few percent larger than its source, by the signs.
/// </summary>
public static class ModelPreparation
{
    /// <summary>
    /// Prepares a model. The file is written beside its place and moved there when it is whole: whatever happens, and whenever it is
    /// cancelled, there is the new file, or what was there before. The model streams through a few megabytes of memory.
    /// </summary>
    /// <param name="source">A GGUF model, one in memory, or safetensors with the <c>config.json</c> and the tokenizer beside them.</param>
    /// <param name="destination">The file to write. Of a link, the target is replaced; of a file, the permissions are kept.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <param name="progress">Told every few megabytes; counts bytes of the new file.</param>
    /// <param name="cancellationToken">Ends it, leaving nothing behind.</param>
    /// <exception cref="ModelFormatException">The source cannot be prepared so; everything that is wrong is in the message.</exception>
    /// <exception cref="IOException">
    /// The destination is there and not to be replaced, is the source, has no folder or too little room; or the operating system failed.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not permitted.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static PreparationReport Write(
        ModelFile source,
        string destination,
        PreparationOptions? options = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(destination);
        options ??= new PreparationOptions();
        cancellationToken.ThrowIfCancellationRequested();
        var plan = new PreparationPlan(source, options);
        DestinationCheck.Run(plan.Source, destination, options.Overwrite);

        var writer = new GgufWriter();
        plan.AddTo(writer, new TensorStreams(progress, cancellationToken, plan.Bytes));
        long bytes = writer.MeasureFile();
        AtomicFile.Write(destination, options.Overwrite, Write, cancellationToken);
        return new PreparationReport(destination, bytes, plan.Transposed, plan.SignPlanes);

        void Write(Stream stream)
        {
            // What killed processes had left there is removed by now.
            DestinationCheck.RequireSpace(destination, bytes);
            writer.WriteTo(stream);
        }
    }
}
