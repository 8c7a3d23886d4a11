using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;
using LargeF16 = SparseInfer.Generated.FeedForward_4096x11008_Relu_F16;
using SmallF16 = SparseInfer.Generated.FeedForward_2048x5632_Relu_F16;

namespace SparseInfer.Benchmarks;

/// <summary>
/// The generated kernel's predictor and nothing else: no neuron passes a threshold of -1, so all that is left is packing the input's
/// signs and
/// comparing them with every neuron's. Many planes of random signs, each read once before any is read again.
/// </summary>
internal sealed class SignPredictor : IDisposable
{
    private const long LargerThanCaches = 128 << 20;

    private readonly NativeBuffer _planes;
    private readonly FeedForwardScratch _scratch;
    private readonly Action[] _predict;
    private int _token;

    public SignPredictor(int hidden)
    {
        int neurons = SyntheticLayer.IntermediateOf(hidden);
        int planes = (int)((LargerThanCaches / SignPlane.ByteCount(neurons, hidden)) + 1);
        Bytes = SignPlane.ByteCount(neurons, hidden);
        _planes = NativeBuffer.Allocate(planes * Bytes);
        var random = new Random(1);
        random.NextBytes(_planes.AsSpan<byte>());
        _scratch = new FeedForwardScratch(1, hidden, new NeuronSlices(neurons, 1), Signs.WordsPerRow(hidden));
        FeedForwardSlot slot = _scratch[0];
        float[] x = [.. Enumerable.Range(0, hidden).Select(_ => random.NextSingle() - 0.5f)];
        x.CopyTo(MemoryMarshal.CreateSpan(ref slot.Input, hidden));
        _predict = [.. Enumerable.Range(0, planes).Select(i => Predict(_planes.Address + (nint)(i * Bytes)))];
        Step();
        if (slot.Count != 0)
        {
            throw new InvalidOperationException($"{slot.Count} neurons were computed.");
        }

        Action Predict(nint address)
        {
            SignPlane plane = SignPlane.FromMemory(address, neurons, hidden);
            LayerTally tally = default;
            if (hidden == 2048)
            {
                var small = new SmallF16.Weights { GateSigns = plane };
                return () => SmallF16.SignBit<MeterOff>(small, new(in slot), 0, neurons, ref tally, threshold: -1);
            }

            var large = new LargeF16.Weights { GateSigns = plane };
            return () => LargeF16.SignBit<MeterOff>(large, new(in slot), 0, neurons, ref tally, threshold: -1);
        }
    }

    /// <summary>Bytes of a plane.</summary>
    public long Bytes { get; }

    /// <summary>Predicts a layer.</summary>
    public void Step() => _predict[(_token++ & int.MaxValue) % _predict.Length]();

    public void Dispose()
    {
        _planes.Dispose();
        _scratch.Dispose();
    }
}
