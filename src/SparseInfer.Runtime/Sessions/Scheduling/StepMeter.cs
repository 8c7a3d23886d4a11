using SparseInfer.Kernels.Cpu;
using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>
/// Meters one of several steps of decoding: what a layer does changes little from step to step, and metering is slow. The meters are those of the buffers that
/// sessions are decoded together in, so that sessions know nothing of it.
/// </summary>
/// <param name="together">What decodes; null, or without meters: nothing is metered.</param>
/// <param name="shape">The model's.</param>
/// <param name="every">Of how many steps one is metered; null: none.</param>
internal sealed class StepMeter(DecoderBatch? together, ModelShape shape, int? every)
{
    private readonly LayerTally[] _tallies = new LayerTally[together is { HasMeters: true } && every is not null ? shape.Layers : 0];
    private int _steps;

    /// <summary>Begins a step.</summary>
    /// <returns>Whether it is metered.</returns>
    public bool Next()
    {
        if (_tallies.Length == 0 || ++_steps < every)
        {
            return false;
        }

        _steps = 0;
        return true;
    }

    /// <summary>Takes what the meters of a run have counted.</summary>
    public void Take()
    {
        lock (_tallies)
        {
            for (int layer = 0; layer < _tallies.Length; layer++)
            {
                LayerTally tally = together!.ReadTally(layer);
                _tallies[layer].Add(in tally);
            }
        }

        together!.ResetTallies();
    }

    /// <summary>What was counted so far, of each layer; empty where nothing is metered.</summary>
    public IReadOnlyList<LayerMetrics> Read()
    {
        lock (_tallies)
        {
            return [.. _tallies.Select((tally, layer) => new LayerMetrics(layer, in tally, shape.ActiveNeurons))];
        }
    }
}
