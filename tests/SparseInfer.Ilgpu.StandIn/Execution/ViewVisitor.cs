using System.ComponentModel;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>Sees every view among a launch's arguments.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract unsafe class ViewVisitor
{
    public void Visit<T>(ref ArrayView<T> view, string label)
        where T : unmanaged
    {
        if (view.Block is { } block)
            Visit(block, view.Address, view.LengthInBytes, label);
    }

    public void Visit1D<T>(ref ArrayView1D<T, Stride1D.Dense> view, string label)
        where T : unmanaged
    {
        var dense = view.BaseView;
        Visit(ref dense, label);
    }

    private protected abstract void Visit(MemoryBlock block, byte* address, long bytes, string label);
}
