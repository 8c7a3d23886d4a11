using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <content>
/// Whose tokens a batch has. A prompt's are all of this sequence, one position after the other. Tokens of several sequences are computed in the
/// buffers of a state that has no sequence, and each has position and key-value cache of its own.
/// </content>
public abstract partial class CpuDecoderState
{
    /// <summary>Null in a session's own state.</summary>
    private CpuDecoderState[]? _sequences;

    /// <summary>Of each worker, neurons that any token of a batch needs, and all.</summary>
    private readonly (long Needed, long All)[] _unions;

    /// <summary>Makes room for tokens of other sequences.</summary>
    internal void RunOthers()
    {
        _sequences = new CpuDecoderState[_tokens.Length];
        EnsureLogits(_tokens.Length);
    }

    /// <summary>Decodes a token of each of several sequences, as <see cref="DecoderBatch.Run"/> has it.</summary>
    /// <param name="states">Their states.</param>
    /// <param name="tokens">A token for each.</param>
    /// <param name="step">How.</param>
    internal void RunTogether(ReadOnlySpan<DecoderState> states, ReadOnlySpan<int> tokens, in StepOptions step)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(CpuDecoderBatch));
        CpuDecoderState[] sequences = _sequences!;
        try
        {
            for (int i = 0; i < states.Length; i++)
            {
                sequences[i] = (CpuDecoderState)states[i];
            }

            foreach (CpuDecoderState sequence in sequences.AsSpan(0, states.Length))
            {
                sequence.RequireChoice(step.Mode);
            }

            tokens.CopyTo(_tokens);
            _step = step with { IsPrompt = true, SparsePrompt = true };
            TokenCount = tokens.Length;
            LogitsFrom = 0;
            RunBatch(remembers: false);
            for (int i = 0; i < states.Length; i++)
            {
                sequences[i].RanTogether(_logits.AsSpan(i * _vocabulary, _vocabulary));
            }
        }
        finally
        {
            // Sessions that are dropped shall be collected.
            Array.Clear(sequences);
        }

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    /// <summary>As <see cref="DecoderBatch.ReadUnionShare"/>.</summary>
    internal double? ReadUnionShare()
    {
        (long needed, long all) = (_unions.Sum(union => union.Needed), _unions.Sum(union => union.All));
        Array.Clear(_unions);
        return all == 0 ? null : (double)needed / all;
    }

    /// <summary>Counts the neurons of a layer that any token of this batch needs, where several sequences are metered together.</summary>
    /// <param name="worker">Whose neurons.</param>
    /// <param name="slots">The tokens' lists of them.</param>
    /// <param name="neurons">How many it has.</param>
    protected void CountUnion(int worker, ReadOnlySpan<FeedForwardSlot> slots, int neurons)
    {
        if (_sequences is not null)
        {
            ref (long Needed, long All) union = ref _unions[worker];
            union.Needed += NeuronUnion.Count(slots);
            union.All += neurons;
        }
    }

    /// <summary>Whose token is token i of this batch.</summary>
    /// <param name="i">0 to <see cref="TokenCount"/> - 1.</param>
    protected CpuDecoderState SequenceOf(int i) => _sequences is { } sequences ? sequences[i] : this;

    /// <summary>The position of token i of this batch in its sequence.</summary>
    /// <param name="i">0 to <see cref="TokenCount"/> - 1.</param>
    protected int PositionOf(int i) => _sequences is { } sequences ? sequences[i].Position : Position + i;

    private void RanTogether(ReadOnlySpan<float> logits)
    {
        logits.CopyTo(_logits);
        _lastLogits = 0;
        Position++;
    }
}
