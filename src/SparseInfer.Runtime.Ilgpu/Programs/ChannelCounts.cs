using ILGPU;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>What is counted of an input whose channels are chosen, or of neurons.</summary>
internal enum CountedInput
{
    /// <summary>Channels of attention's projections.</summary>
    Projections,

    /// <summary>Channels of gate and up.</summary>
    FeedForward,

    /// <summary>Neurons that are computed: those that are not zero are counted.</summary>
    Neurons,

    /// <summary>Neurons that down keeps of all.</summary>
    Down,

    /// <summary>Neurons that down keeps of those that something else has left, which have a count of their own.</summary>
    DownOfOthers,
}

/// <summary>
/// How many channels of inputs a session kept: kernels add them up, of each layer, input and place in a batch. What they were chosen among, and the bytes
/// that one has of weights, is known here.
/// </summary>
internal sealed class ChannelCounts
{
    private readonly DeviceBuffer<long> _kept;
    private readonly Noted[] _noted;
    private readonly int _inputs;
    private readonly int _batch;

    /// <summary>Takes the memory that kernels count in.</summary>
    /// <param name="kept">For each layer and input, and once for runs that count nothing, a number for each token of a batch.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="inputs">Numbers that are counted of a layer.</param>
    /// <param name="batch">Most tokens of a batch.</param>
    public ChannelCounts(DeviceBuffer<long> kept, int layers, int inputs, int batch)
    {
        _kept = kept;
        _noted = new Noted[layers * inputs];
        _inputs = inputs;
        _batch = batch;
    }

    /// <summary>Numbers that kernels count in.</summary>
    public static long Length(int layers, int inputs, int batch) => ((layers * (long)inputs) + 1) * batch;

    /// <summary>Where an input's are; or, in a run that counts nothing, where nobody looks.</summary>
    public ArrayView<long> Of(int layer, int input, bool counts) => _kept.View.SubView((counts ? Place(layer, input) : _noted.Length) * (long)_batch, _batch);

    /// <summary>Notes what a run's tokens chose among.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">The number of the input.</param>
    /// <param name="kind">What is counted.</param>
    /// <param name="threshold">What chose; negative: all channels are read, and none was counted.</param>
    /// <param name="channels">Channels of all tokens; of <see cref="CountedInput.DownOfOthers"/> the number of the input that has their count.</param>
    /// <param name="bytes">Bytes of weights that a channel has.</param>
    public void Note(int layer, int input, CountedInput kind, float threshold, long channels, long bytes)
    {
        ref Noted noted = ref _noted[Place(layer, input)];
        noted.Kind = kind;
        noted.Bytes = bytes;
        if (threshold < 0)
        {
            noted.Whole += channels;
            return;
        }

        noted.Threshold = threshold;
        noted.Chosen = kind == CountedInput.DownOfOthers ? channels : noted.Chosen + channels;
    }

    /// <summary>Adds a layer's to a tally. Waits for the device.</summary>
    public void AddTo(ref LayerTally tally, int layer)
    {
        long[] counted = new long[_inputs * _batch];
        _kept.CopyTo(Place(layer, 0) * (long)_batch, counted);
        for (int input = 0; input < _inputs; input++)
        {
            Noted noted = _noted[Place(layer, input)];
            long kept = Sum(counted, input);
            switch (noted.Kind)
            {
                case CountedInput.Projections:
                    tally.CountChannels(-1, noted.Whole, noted.Whole, noted.Bytes);
                    tally.CountChannels(noted.Threshold, noted.Chosen, kept, noted.Bytes);
                    break;
                case CountedInput.FeedForward:
                    tally.CountChannels(noted.Threshold, noted.Chosen, kept, 0);
                    tally.Bytes += (noted.Whole + kept) * noted.Bytes;
                    break;
                case CountedInput.Neurons:
                    tally.Neurons += noted.Chosen;
                    tally.Inactive += noted.Chosen - kept;
                    tally.Bytes += noted.Chosen * noted.Bytes;
                    break;
                default:
                    long all = noted.Kind == CountedInput.Down ? noted.Chosen : Sum(counted, (int)noted.Chosen);
                    tally.CountChannels(noted.Threshold, all, kept, 0);
                    tally.Bytes -= (all - kept) * noted.Bytes;
                    break;
            }
        }
    }

    /// <summary>Forgets what was noted; what kernels counted is to be cleared within a run.</summary>
    public void Reset() => Array.Clear(_noted);

    /// <summary>What kernels counted.</summary>
    public ArrayView<long> Counted => _kept.View;

    private long Sum(long[] counted, int input)
    {
        long sum = 0;
        foreach (long ofToken in counted.AsSpan(input * _batch, _batch))
        {
            sum += ofToken;
        }

        return sum;
    }

    private int Place(int layer, int input) => (layer * _inputs) + input;

    private struct Noted
    {
        /// <summary>Channels of tokens that left some out; and of tokens that did not.</summary>
        public long Chosen, Whole;

        public long Bytes;
        public float Threshold;
        public CountedInput Kind;
    }
}
