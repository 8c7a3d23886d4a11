namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Whether a program counts or times what it does. A struct type argument: the JIT compiles a kernel once for
/// <see cref="MeterOff"/> without a trace of either, and once for each of the others.
/// </summary>
public interface IMeter
{
    /// <summary>Whether it counts. Constant for each implementation.</summary>
    static abstract bool IsOn { get; }

    /// <summary>Whether it takes time stamps. Constant for each implementation.</summary>
    static abstract bool IsTimed { get; }
}

/// <summary>Counts nothing.</summary>
public readonly struct MeterOff : IMeter
{
    /// <inheritdoc/>
    public static bool IsOn => false;

    /// <inheritdoc/>
    public static bool IsTimed => false;
}

/// <summary>Counts, and computes what was skipped to tell whether skipping was right: slow.</summary>
public readonly struct MeterOn : IMeter
{
    /// <inheritdoc/>
    public static bool IsOn => true;

    /// <inheritdoc/>
    public static bool IsTimed => false;
}

/// <summary>
/// Takes time stamps around each feed-forward and around each block of predictions, and counts nothing: what runs between the
/// stamps is what runs without them. A stamp costs some 20 ns, a feed-forward of a few million weights a hundred thousand.
/// </summary>
public readonly struct MeterTimed : IMeter
{
    /// <inheritdoc/>
    public static bool IsOn => false;

    /// <inheritdoc/>
    public static bool IsTimed => true;
}

/// <summary>What one layer did, summed over tokens; one per worker and layer, added up by whoever reads it.</summary>
public struct LayerTally
{
    /// <summary>Neurons looked at: tokens x intermediate size.</summary>
    public long Neurons;

    /// <summary>Neurons whose activation is zero (or below the policy's threshold on it), predicted or not.</summary>
    public long Inactive;

    /// <summary>Neurons that a predictor declared inactive before any of their weights were read.</summary>
    public long Predicted;

    /// <summary>Of those, the ones that are inactive.</summary>
    public long PredictedInactive;

    /// <summary>Bytes of feed-forward weights and of predictor data that the unmetered kernel reads for this.</summary>
    public long Bytes;

    /// <summary>Tokens timed, once by each worker.</summary>
    public long Timed;

    /// <summary>
    /// Ticks of <see cref="System.Diagnostics.Stopwatch"/> from the norm before the feed-forward to the barrier after it, over the
    /// <see cref="Timed"/> tokens. Every worker stamps for itself, so ticks / <see cref="Timed"/> is the workers' mean.
    /// </summary>
    public long FeedForwardTicks;

    /// <summary>Of those, the ticks spent on predicting: packing the input's signs, comparing them with each neuron's.</summary>
    public long PredictorTicks;

    /// <summary>Query heads looked at, where a policy chooses among them: of each token.</summary>
    public long Heads;

    /// <summary>Of those, the ones that were skipped.</summary>
    public long SkippedHeads;

    /// <summary>Input channels looked at, where a threshold chooses among them: of each token, and of each input.</summary>
    public long Channels;

    /// <summary>Of those, the ones that were skipped.</summary>
    public long SkippedChannels;

    /// <summary>Bytes of projections that can leave out channels, or heads: those that the kept ones stand for, all where nothing chooses.</summary>
    public long ProjectionBytes;

    /// <summary>And those that the skipped ones do.</summary>
    public long SkippedProjectionBytes;

    /// <summary>Counts input channels of projections.</summary>
    /// <param name="threshold">What chose among them; negative, or zero, which leaves out zeros alone: nothing did, and their bytes alone are counted.</param>
    /// <param name="channels">How many there were.</param>
    /// <param name="kept">How many of them were kept.</param>
    /// <param name="bytes">Bytes of weights that a channel has, in all projections that read it.</param>
    public void CountChannels(float threshold, long channels, long kept, long bytes)
    {
        if (threshold > 0)
        {
            Channels += channels;
            SkippedChannels += channels - kept;
        }

        ProjectionBytes += kept * bytes;
        SkippedProjectionBytes += (channels - kept) * bytes;
    }

    /// <summary>Counts heads of a token, where they are chosen.</summary>
    /// <param name="heads">How many there are.</param>
    /// <param name="skipped">How many of them were left out.</param>
    public void CountHeads(int heads, int skipped)
    {
        Heads += heads;
        SkippedHeads += skipped;
    }

    /// <summary>Counts rows of a projection that can leave out heads.</summary>
    /// <param name="read">Rows that a token reads.</param>
    /// <param name="skipped">Rows that it does not.</param>
    /// <param name="bytes">Bytes of a row.</param>
    public void CountRows(int read, int skipped, nint bytes)
    {
        ProjectionBytes += read * bytes;
        SkippedProjectionBytes += skipped * bytes;
    }

    /// <summary>Adds another tally to this one.</summary>
    /// <param name="other">What is added.</param>
    public void Add(in LayerTally other)
    {
        Neurons += other.Neurons;
        Inactive += other.Inactive;
        Predicted += other.Predicted;
        PredictedInactive += other.PredictedInactive;
        Bytes += other.Bytes;
        Timed += other.Timed;
        FeedForwardTicks += other.FeedForwardTicks;
        PredictorTicks += other.PredictorTicks;
        Heads += other.Heads;
        SkippedHeads += other.SkippedHeads;
        Channels += other.Channels;
        SkippedChannels += other.SkippedChannels;
        ProjectionBytes += other.ProjectionBytes;
        SkippedProjectionBytes += other.SkippedProjectionBytes;
    }

    /// <summary>Takes away what was added before.</summary>
    /// <param name="other">What is taken away.</param>
    public void Subtract(in LayerTally other)
    {
        Neurons -= other.Neurons;
        Inactive -= other.Inactive;
        Predicted -= other.Predicted;
        PredictedInactive -= other.PredictedInactive;
        Bytes -= other.Bytes;
        Timed -= other.Timed;
        FeedForwardTicks -= other.FeedForwardTicks;
        PredictorTicks -= other.PredictorTicks;
        Heads -= other.Heads;
        SkippedHeads -= other.SkippedHeads;
        Channels -= other.Channels;
        SkippedChannels -= other.SkippedChannels;
        ProjectionBytes -= other.ProjectionBytes;
        SkippedProjectionBytes -= other.SkippedProjectionBytes;
    }
}
