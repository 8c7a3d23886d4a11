using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <content>What a session shows of its computation, where its model is declared with <see cref="ObservedAttribute"/>.</content>
public abstract partial class CpuDecoderState
{
    private IActivationObserver? _observer;
    private float[] _shown = [];

    /// <inheritdoc/>
    public sealed override bool IsObserved => _observer is not null;

    /// <inheritdoc/>
    public sealed override void Observe(IActivationObserver? observer) => _observer = _program.IsObservable || observer is null
        ? observer
        : throw new NotSupportedException(
            $"SessionOptions.Observer: {_program.Shape.Name} shows nothing. Declare its class with [Observed].");

    /// <summary>A prompt's tokens as they are shown: in the kernels of a decoded token, which give the bits of a batch.</summary>
    private static StepOptions OneByOne(StepOptions step) => !step.IsPrompt ? step
        : step with
        {
            IsPrompt = false,
            Mode = step.SparsePrompt ? step.Mode : SparsityMode.Dense,
            Metering = step.Metering && step.SparsePrompt,
            Timing = false,
        };

    /// <summary>Shows a vector of the token at <see cref="DecoderState.Position"/>.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="activation">Which vector.</param>
    /// <param name="values">Its first element.</param>
    /// <param name="count">How many.</param>
    protected void Observe(int layer, ObservedActivation activation, ref float values, int count) =>
        _observer!.Observe(layer, activation, Position, MemoryMarshal.CreateReadOnlySpan(ref values, count));

    /// <summary>Shows a layer's neurons: what all workers have on their lists.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="scratch">The lists.</param>
    /// <param name="neurons">How many neurons there are.</param>
    protected void ObserveNeurons(int layer, FeedForwardScratch scratch, int neurons)
    {
        Span<float> shown = Shown(neurons);
        Spread(scratch, shown);
        _observer!.Observe(layer, ObservedActivation.Neurons, Position, shown);
    }

    /// <summary>Shows the neurons of a layer's chosen experts.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="scratch">The lists.</param>
    /// <param name="experts">How many experts are chosen.</param>
    /// <param name="neurons">How many neurons each has.</param>
    protected void ObserveNeurons(int layer, ExpertScratch scratch, int experts, int neurons)
    {
        Span<float> shown = Shown(experts * neurons);
        for (int i = 0; i < experts; i++)
        {
            Spread(scratch[i], shown.Slice(i * neurons, neurons));
        }

        _observer!.Observe(layer, ObservedActivation.Neurons, Position, shown);
    }

    /// <summary>Shows which experts a layer's router chose.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="choices">What it chose.</param>
    /// <param name="row">Where.</param>
    protected void ObserveExperts(int layer, ExpertChoices choices, int row)
    {
        ReadOnlySpan<int> experts = choices.Experts(row);
        Span<float> shown = Shown(experts.Length);
        for (int i = 0; i < experts.Length; i++)
        {
            shown[i] = experts[i];
        }

        _observer!.Observe(layer, ObservedActivation.Experts, Position, shown);
    }

    /// <summary>Shows what the outputs of the experts that a layer's router chose are multiplied by.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="choices">What it chose.</param>
    /// <param name="row">Where.</param>
    protected void ObserveExpertWeights(int layer, ExpertChoices choices, int row) =>
        _observer!.Observe(layer, ObservedActivation.ExpertWeights, Position, choices.Weights(row));

    private static void Spread(FeedForwardScratch scratch, Span<float> shown)
    {
        for (int worker = 0; worker < scratch.Workers; worker++)
        {
            FeedForwardSlot slot = scratch[worker];
            ReadOnlySpan<float> values = slot.ActiveValues;
            ReadOnlySpan<int> neurons = slot.ActiveNeurons;
            for (int i = 0; i < neurons.Length; i++)
            {
                shown[neurons[i]] = values[i];
            }
        }
    }

    /// <summary>Zeros, in a buffer that is used again.</summary>
    private Span<float> Shown(int count)
    {
        if (_shown.Length < count)
        {
            _shown = new float[count];
        }

        Span<float> shown = _shown.AsSpan(0, count);
        shown.Clear();
        return shown;
    }
}
