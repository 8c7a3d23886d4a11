using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <content>What metered runs count, and what is known here of it: kernels count neurons and channels, the host what these were chosen among and their bytes.</content>
public abstract partial class IlgpuDecoderState
{
    /// <inheritdoc/>
    public sealed override LayerTally ReadTally(int layer)
    {
        RequireAlive();
        if (layer == _metered.Length)
        {
            return _head;
        }

        int[] counted = new int[_countsPerLayer];
        _counts.CopyTo((long)layer * _countsPerLayer, counted);
        LayerTally tally = _metered[layer];
        WarpCounts.AddTo(ref tally, counted, _rowBytes[layer].Row, _rowBytes[layer].DownRow);
        _channels?.AddTo(ref tally, layer);
        return tally;
    }

    /// <inheritdoc/>
    public sealed override void ResetTallies()
    {
        RequireAlive();
        Array.Clear(_metered);
        _head = default;
        _device.Use(_counts.View, static view => view.MemSetToZero());
        if (_channels is not null)
        {
            _channels.Reset();
            _device.Use(_channels.Counted, static view => view.MemSetToZero());
        }
    }

    /// <summary>
    /// What a layer's metered kernels count, four numbers a warp: neurons whose activation is zero (or below the policy's threshold), neurons
    /// predicted inactive, those both, and rows read of the matrices after the first. Five, where down has another weight type, or launches of its own: its rows are the last.
    /// They add up until they are reset.
    /// </summary>
    /// <param name="layer">The layer.</param>
    protected ArrayView<int> Counts(int layer) => _counts.View.SubView((long)layer * _countsPerLayer, _countsPerLayer);

    /// <summary>Notes that one token went through a layer's metered kernel.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="rowBytes">Bytes of a neuron's row in each matrix.</param>
    /// <param name="predictorBytes">Bytes that the policy's predictor reads for a token.</param>
    /// <param name="downRowBytes">Bytes of a neuron's row of down, where the kernel counts these for themselves.</param>
    protected void Count(int layer, long rowBytes, long predictorBytes, long? downRowBytes = null)
    {
        _metered[layer].Neurons += _neurons;
        _metered[layer].Bytes += predictorBytes;
        _rowBytes[layer] = (rowBytes, downRowBytes);
    }

    /// <summary>Counts what a policy read of matrices of its own.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bytes">Bytes.</param>
    protected void CountBytes(int layer, long bytes) => _metered[layer].Bytes += bytes;

    /// <summary>Counts the heads of tokens, where they are chosen.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="heads">How many there are.</param>
    /// <param name="skipped">How many of them are left out.</param>
    protected void CountHeads(int layer, int heads, int skipped) => _metered[layer].CountHeads(heads, skipped);

    /// <summary>Where kernels add how many channels of an input they keep, a place for each token of a batch.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">The number of the input.</param>
    protected ArrayView<long> KeptChannels(int layer, int input) => _channels!.Of(layer, input, Metering);

    /// <summary>Notes what tokens chose channels among, where the run counts.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">The number of the input.</param>
    /// <param name="threshold">What chose; negative: all channels are read.</param>
    /// <param name="tokens">How many tokens.</param>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="bytes">Bytes of weights that a channel has, in all matrices that read it.</param>
    /// <param name="ofFeedForward">Whether these are gate and up, and not attention's projections.</param>
    protected void CountChannels(int layer, int input, float threshold, int tokens, int channels, long bytes, bool ofFeedForward = false)
    {
        if (Metering)
        {
            _channels!.Note(layer, input, ofFeedForward ? CountedInput.FeedForward : CountedInput.Projections, threshold, (long)tokens * channels, bytes);
        }
    }

    /// <summary>Notes neurons that are all computed, and counted by a kernel where they are not zero.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">The number by which kernels count.</param>
    /// <param name="tokens">How many tokens.</param>
    /// <param name="neurons">Neurons of each.</param>
    /// <param name="bytes">Bytes that a neuron has of down.</param>
    protected void CountNeurons(int layer, int input, int tokens, int neurons, long bytes) =>
        _channels!.Note(layer, input, CountedInput.Neurons, 0, (long)tokens * neurons, bytes);

    /// <summary>Notes neurons of which down leaves out some.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">The number by which kernels count those that are kept.</param>
    /// <param name="threshold">What chose; negative: nothing did.</param>
    /// <param name="neuronsInput">The number by which they count those that there are.</param>
    /// <param name="ofAll">Whether it chose among all neurons, and not among those that are not zero.</param>
    /// <param name="tokens">How many tokens.</param>
    /// <param name="neurons">Neurons of each.</param>
    /// <param name="bytes">Bytes that a neuron has of down.</param>
    protected void CountDown(int layer, int input, float threshold, int neuronsInput, bool ofAll, int tokens, int neurons, long bytes)
    {
        if (threshold >= 0)
        {
            _channels!.Note(layer, input, ofAll ? CountedInput.Down : CountedInput.DownOfOthers, threshold, ofAll ? (long)tokens * neurons : neuronsInput, bytes);
        }
    }

    /// <summary>Counts what tokens read of attention's projections, where heads can be left out of these.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bytes">Bytes of the weights that they would read.</param>
    /// <param name="skipped">Of bytes that were counted, those that are not read.</param>
    protected void CountProjections(int layer, long bytes, long skipped)
    {
        _metered[layer].ProjectionBytes += bytes - skipped;
        _metered[layer].SkippedProjectionBytes += skipped;
    }

    /// <summary>Counts the words of tokens that have every logit.</summary>
    /// <param name="tokens">How many.</param>
    /// <param name="vocabulary">Words of each.</param>
    /// <param name="headBytes">Bytes of the head's matrix.</param>
    /// <param name="predictorBytes">Bytes of the matrices by which words were chosen; 0: they were not.</param>
    protected void CountWords(int tokens, int vocabulary, long headBytes, long predictorBytes)
    {
        _head.Neurons += (long)tokens * vocabulary;
        _head.Bytes += tokens * (headBytes + predictorBytes);
    }

    /// <summary>Counts the words of a token that has logits of some. Waits for the device.</summary>
    /// <param name="chosen">How many have one; 0: all.</param>
    /// <param name="vocabulary">Words that there are.</param>
    /// <param name="headBytes">Bytes of the head's matrix.</param>
    /// <param name="predictorBytes">Bytes of the matrices by which words were chosen.</param>
    protected void CountWords(ArrayView<int> chosen, int vocabulary, long headBytes, long predictorBytes)
    {
        int words = 0;
        chosen.SubView(0, 1).CopyToCPU(_device.Accelerator.DefaultStream, MemoryMarshal.CreateSpan(ref words, 1));
        if (words == 0)
        {
            CountWords(1, vocabulary, headBytes, predictorBytes);
            return;
        }

        _head.Neurons += vocabulary;
        _head.Predicted += vocabulary - words;
        _head.Bytes += (headBytes / vocabulary * words) + predictorBytes;
    }
}
