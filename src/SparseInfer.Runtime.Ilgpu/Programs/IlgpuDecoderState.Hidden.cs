using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Runtime;

/// <content>Hidden states of a prompt's tokens, in place of logits: a batch leaves them where the head would read them.</content>
public abstract partial class IlgpuDecoderState
{
    private float[] _hiddenRows = [];

    /// <summary>What the last norm of a prompt's batch made of its tokens, after the layers their hidden states: [batch x padded hidden].</summary>
    protected abstract ArrayView<float> Normed { get; }

    /// <inheritdoc/>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for so many tokens. The session is what it was.</exception>
    /// <exception cref="DeviceLostException">The device failed.</exception>
    /// <exception cref="ObjectDisposedException">The session, or the device, was disposed.</exception>
    public sealed override void RunHidden(ReadOnlySpan<int> tokens, Span<float> hidden)
    {
        RequireAlive();
        _step = StepOptions.Hidden;
        _device.Use(new Call(this, tokens, hidden), static call => call.State.RunHiddenBatches(call.Tokens, call.Rows));

        // Kernels know addresses only: until here this must hold the buffers, and the program its weights.
        GC.KeepAlive(this);
    }

    private void RunHiddenBatches(ReadOnlySpan<int> tokens, Span<float> hidden)
    {
        MakeRoom(tokens.Length);
        bool remembers = BeginRun(_program, _step);
        int width = _program.Shape.Hidden;
        int padded = (int)(Normed.Length / _ids.Length);
        for (int done = 0; done < tokens.Length; done += TokenCount)
        {
            ReadOnlySpan<int> part = tokens.Slice(done, Math.Min(_ids.Length, tokens.Length - done));
            LogitsFrom = TokenCount = part.Length;
            RunBatch(part, remembers);
            CopyHidden(part.Length * padded);
            for (int i = 0; i < part.Length; i++)
            {
                _hiddenRows.AsSpan(i * padded, width).CopyTo(hidden.Slice((done + i) * width, width));
            }
        }
    }

    private void CopyHidden(int count)
    {
        if (_hiddenRows.Length < count)
        {
            _hiddenRows = new float[count];
        }

        Normed.SubView(0, count).CopyToCPU(_device.Accelerator.DefaultStream, _hiddenRows.AsSpan(0, count));
        _idsAreRead = true;
    }
}
