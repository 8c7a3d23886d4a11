using ILGPU;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

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
    /// <param name="inputs">Inputs of a layer whose channels are chosen.</param>
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
    /// <param name="threshold">What chose; negative: all channels are read, and none was counted.</param>
    /// <param name="channels">Channels of all tokens.</param>
    /// <param name="bytes">Bytes of weights that a channel has.</param>
    public void Note(int layer, int input, float threshold, long channels, long bytes)
    {
        ref Noted noted = ref _noted[Place(layer, input)];
        noted.Bytes = bytes;
        if (threshold < 0)
        {
            noted.Whole += channels;
            return;
        }

        noted.Threshold = threshold;
        noted.Chosen += channels;
    }

    /// <summary>Adds a layer's to a tally. Waits for the device.</summary>
    public void AddTo(ref LayerTally tally, int layer)
    {
        long[] counted = new long[_inputs * _batch];
        _kept.CopyTo(Place(layer, 0) * (long)_batch, counted);
        for (int input = 0; input < _inputs; input++)
        {
            Noted noted = _noted[Place(layer, input)];
            long kept = 0;
            foreach (long ofToken in counted.AsSpan(input * _batch, _batch))
            {
                kept += ofToken;
            }

            tally.CountChannels(-1, noted.Whole, noted.Whole, noted.Bytes);
            tally.CountChannels(noted.Threshold, noted.Chosen, kept, noted.Bytes);
        }
    }

    /// <summary>Forgets what was noted; what kernels counted is to be cleared within a run.</summary>
    public void Reset() => Array.Clear(_noted);

    /// <summary>What kernels counted.</summary>
    public ArrayView<long> Counted => _kept.View;

    private int Place(int layer, int input) => (layer * _inputs) + input;

    private struct Noted
    {
        /// <summary>Channels of tokens that left some out; and of tokens that did not.</summary>
        public long Chosen, Whole;

        public long Bytes;
        public float Threshold;
    }
}
