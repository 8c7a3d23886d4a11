namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Whether a kernel counts what it does. A struct type argument: the JIT compiles a kernel once for <see cref="MeterOff"/>
/// without a trace of the counting, and once for <see cref="MeterOn"/>.
/// </summary>
public interface IMeter
{
    /// <summary>Constant for each implementation.</summary>
    static abstract bool IsOn { get; }
}

/// <summary>Counts nothing.</summary>
public readonly struct MeterOff : IMeter
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}

/// <summary>Counts, and computes what was skipped to tell whether skipping was right: slow.</summary>
public readonly struct MeterOn : IMeter
{
    /// <inheritdoc/>
    public static bool IsOn => true;
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

    /// <summary>Adds another tally to this one.</summary>
    /// <param name="other">What is added.</param>
    public void Add(in LayerTally other)
    {
        Neurons += other.Neurons;
        Inactive += other.Inactive;
        Predicted += other.Predicted;
        PredictedInactive += other.PredictedInactive;
        Bytes += other.Bytes;
    }
}
