using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What projections of one input need where its small channels are left out: of each worker a list of the channels that are kept, and a partial sum of all
/// outputs for each slice of channels. A channel is kept iff its magnitude is larger than a threshold (TEAL, arXiv 2408.14690).
/// </summary>
public sealed class ChannelScratch : IDisposable
{
    /// <summary>The threshold that keeps every channel, zeros included.</summary>
    public const float EveryChannel = -1;

    private readonly NativeBuffer _kept;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _partials;
    private readonly int _room;
    private readonly int[] _counts;

    /// <summary>Allocates the lists and the partial sums.</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="slices">The input's channels, which workers share in whole slices.</param>
    /// <param name="outputs">Outputs of all the projections, each padded to a multiple of 32.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public ChannelScratch(int workers, NeuronSlices slices, int outputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(workers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        Workers = workers;
        Slices = slices;
        Outputs = outputs;
        _room = Padding.Pad(slices.Neurons);
        _kept = NativeBuffer.Allocate((long)workers * _room * sizeof(int));
        _values = NativeBuffer.Allocate((long)workers * _room * sizeof(float));
        _partials = NativeBuffer.Allocate((long)slices.Count * outputs * sizeof(float));
        _counts = new int[workers];
    }

    /// <summary>Number of workers.</summary>
    public int Workers { get; }

    /// <summary>How the channels are divided.</summary>
    public NeuronSlices Slices { get; }

    /// <summary>Width of a partial sum.</summary>
    public int Outputs { get; }

    /// <summary>How many channels a worker has: those of its slices.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public int Channels(int worker)
    {
        (int from, int to) = Slices.OfWorker(Workers, worker);
        return Slices.First(to) - Slices.First(from);
    }

    /// <summary>What a slice's channels add to the outputs.</summary>
    /// <param name="slice">Which slice.</param>
    public ref float Partial(int slice) => ref Unsafe.Add(ref _partials.Ref<float>(), slice * (nint)Outputs);

    /// <summary>The channels that a worker keeps, ascending.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public ReadOnlySpan<int> Kept(int worker) => _kept.AsSpan<int>().Slice(worker * _room, _counts[worker]);

    /// <summary>What their rows are multiplied by.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    public ReadOnlySpan<float> Values(int worker) => _values.AsSpan<float>().Slice(worker * _room, _counts[worker]);

    /// <summary>Lists those of a worker's channels whose magnitude is larger than a threshold; what is not a number is kept.</summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    /// <param name="x">The input, channel 0 first.</param>
    /// <param name="threshold">The threshold; <see cref="EveryChannel"/>: all are listed.</param>
    /// <returns>How many are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Select(int worker, ref readonly float x, float threshold)
    {
        (int slice, int endSlice) = Slices.OfWorker(Workers, worker);
        ref float input = ref Unsafe.AsRef(in x);
        ref int kept = ref Unsafe.Add(ref _kept.Ref<int>(), worker * (nint)_room);
        ref float values = ref Unsafe.Add(ref _values.Ref<float>(), worker * (nint)_room);
        int count = 0;
        int end = Slices.First(endSlice);
        for (int channel = Slices.First(slice); channel < end; channel++)
        {
            // Written whether it is kept or not: which are is not predictable, and a branch would be.
            float value = Unsafe.Add(ref input, channel);
            Unsafe.Add(ref kept, count) = channel;
            Unsafe.Add(ref values, count) = value;
            count += MathF.Abs(value) <= threshold ? 0 : 1;
        }

        _counts[worker] = count;
        return count;
    }

    /// <summary>
    /// Lists those of a worker's channels whose distance from a centre (SCAP, IntelLabs), times the norm of their weights (WINA, arXiv 2505.19427), is larger
    /// than a threshold. Their rows are multiplied by the distance; what the centre itself adds to the outputs is no matter of theirs.
    /// </summary>
    /// <param name="worker">0 to <see cref="Workers"/> - 1.</param>
    /// <param name="x">The input, channel 0 first.</param>
    /// <param name="threshold">The threshold; <see cref="EveryChannel"/>: all are listed, as they are.</param>
    /// <param name="centre">The centre.</param>
    /// <param name="norms">Of each channel; none: all are 1.</param>
    /// <returns>How many are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Select(int worker, ref readonly float x, float threshold, float centre, ReadOnlySpan<float> norms)
    {
        if (threshold < 0)
        {
            return Select(worker, in x, threshold);
        }

        (int slice, int endSlice) = Slices.OfWorker(Workers, worker);
        ref float input = ref Unsafe.AsRef(in x);
        ref int kept = ref Unsafe.Add(ref _kept.Ref<int>(), worker * (nint)_room);
        ref float values = ref Unsafe.Add(ref _values.Ref<float>(), worker * (nint)_room);
        int count = 0;
        int end = Slices.First(endSlice);
        for (int channel = Slices.First(slice); channel < end; channel++)
        {
            float value = Unsafe.Add(ref input, channel);
            Unsafe.Add(ref kept, count) = channel;
            Unsafe.Add(ref values, count) = value - centre;
            count += IsSmall(value, threshold, centre, norms, channel) ? 0 : 1;
        }

        _counts[worker] = count;
        return count;
    }

    // In double precision, where the product of two floats is exact, and nearly all differences are.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSmall(float value, float threshold, float centre, ReadOnlySpan<float> norms, int channel) =>
        Math.Abs((double)value - centre) * (norms.IsEmpty ? 1f : norms[channel]) <= threshold;

    /// <summary>
    /// Sets channels to zero that <see cref="Select(int, ref readonly float, float)"/> leaves out: what a batch is multiplied with, whose tokens differ in their channels.
    /// </summary>
    /// <param name="x">The channels.</param>
    /// <param name="channels">How many.</param>
    /// <param name="threshold">The threshold.</param>
    /// <returns>How many are kept.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Mask(ref float x, int channels, float threshold)
    {
        if (threshold < 0)
        {
            return channels;
        }

        int skipped = 0;
        int channel = 0;
        var thresholds = Vector512.Create(threshold);
        for (; channel <= channels - 16; channel += 16)
        {
            Vector512<float> values = Vector512.LoadUnsafe(ref x, (nuint)channel);
            Vector512<float> small = Vector512.LessThanOrEqual(Vector512.Abs(values), thresholds);
            Vector512.AndNot(values, small).StoreUnsafe(ref x, (nuint)channel);
            skipped += BitOperations.PopCount(small.ExtractMostSignificantBits());
        }

        for (; channel < channels; channel++)
        {
            ref float value = ref Unsafe.Add(ref x, channel);
            bool isSmall = MathF.Abs(value) <= threshold;
            value = isSmall ? 0 : value;
            skipped += isSmall ? 1 : 0;
        }

        return channels - skipped;
    }

    /// <summary>
    /// Sets channels to their distance from a centre, and those to zero that
    /// <see cref="Select(int, ref readonly float, float, float, ReadOnlySpan{float})"/> leaves out.
    /// </summary>
    /// <param name="x">The channels.</param>
    /// <param name="channels">How many.</param>
    /// <param name="threshold">The threshold; <see cref="EveryChannel"/>: all stay as they are.</param>
    /// <param name="centre">The centre.</param>
    /// <param name="norms">Of each channel; none: all are 1.</param>
    /// <returns>How many are kept.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Mask(ref float x, int channels, float threshold, float centre, ReadOnlySpan<float> norms)
    {
        if (threshold < 0)
        {
            return channels;
        }

        int kept = 0;
        for (int channel = 0; channel < channels; channel++)
        {
            ref float value = ref Unsafe.Add(ref x, channel);
            bool isSmall = IsSmall(value, threshold, centre, norms, channel);
            value = isSmall ? 0 : value - centre;
            kept += isSmall ? 0 : 1;
        }

        return kept;
    }

    /// <summary>Frees the lists and the partial sums.</summary>
    public void Dispose()
    {
        _kept.Dispose();
        _values.Dispose();
        _partials.Dispose();
    }
}
