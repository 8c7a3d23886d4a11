using System.Runtime.InteropServices;

namespace SparseInfer.Runtime;

/// <content>Hidden states of a prompt's tokens, in place of logits.</content>
public abstract partial class CpuDecoderState
{
    /// <summary>Whether a batch without logits ends with the output norm of all its tokens, in <see cref="Normed"/>.</summary>
    protected bool WantsHidden { get; private set; }

    /// <inheritdoc/>
    public sealed override void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int width = _program.Shape.Hidden;
        _step = StepOptions.Hidden;
        bool remembers = BeginRun(_program, _step);
        WantsHidden = true;
        try
        {
            for (int done = 0; done < tokens.Length; done += TokenCount)
            {
                ReadOnlySpan<int> part = tokens.Slice(done, Math.Min(_tokens.Length, tokens.Length - done));
                part.CopyTo(_tokens);
                LogitsFrom = TokenCount = part.Length;
                RunBatch(remembers);
                EndBatch(part.Length);
                for (int i = 0; i < part.Length; i++)
                {
                    MemoryMarshal.CreateReadOnlySpan(ref Normed(i), width).CopyTo(hidden.Slice((done + i) * width, width));
                }
            }
        }
        finally
        {
            WantsHidden = false;
        }

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    /// <summary>What a norm made of token i of this batch; after the last layer, its hidden state.</summary>
    /// <param name="row">0 to <see cref="TokenCount"/> - 1.</param>
    protected abstract ref float Normed(int row);
}
