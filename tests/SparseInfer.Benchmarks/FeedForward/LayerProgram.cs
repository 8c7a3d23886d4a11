using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>One way to compute a layer, on one thread: the runtime's steps around a kernel, the same for all.</summary>
internal abstract class LayerProgram(LoadedLayer layer)
{
    protected LoadedLayer Layer { get; } = layer;

    public void Forward(float[] x, float[] y, SparsityMode mode)
    {
        FeedForwardSlot slot = Layer.Scratch[0];
        x.CopyTo(MemoryMarshal.CreateSpan(ref slot.Input, x.Length));
        Activate(mode, slot);
        Down(ref Layer.Output);
        MemoryMarshal.CreateReadOnlySpan(ref Layer.Output, y.Length).CopyTo(y);
    }

    /// <summary>Computes what the neurons pass on.</summary>
    protected abstract void Activate(SparsityMode mode, FeedForwardSlot slot);

    /// <summary>Computes the output.</summary>
    protected abstract void Down(ref float y);
}
