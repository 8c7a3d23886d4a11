using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// Three matrices times a vector, one after the other, as files have them: what one writes who knows nothing of sparsity. Every mode is
/// dense.
/// </summary>
internal sealed class DenseGemvProgram<T>(LoadedLayer layer) : LayerProgram(layer)
    where T : IWeightFormat
{
    private readonly float[] _x = new float[layer.Shape.Hidden];
    private readonly float[] _y = new float[layer.Shape.Hidden];
    private readonly float[] _h = new float[layer.Shape.Intermediate];
    private readonly float[] _u = new float[layer.Shape.Intermediate];

    protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
    {
        MemoryMarshal.CreateReadOnlySpan(ref slot.Input, _x.Length).CopyTo(_x);
        PlainGemv.Multiply<T>(in Layer.Gate, _x, _h);
        PlainGemv.Multiply<T>(in Layer.Up, _x, _u);
        for (int i = 0; i < _h.Length; i++)
        {
            _h[i] = Math.Max(0, _h[i]) * _u[i];
        }
    }

    protected override void Down(ref float y)
    {
        PlainGemv.Multiply<T>(in Layer.FileDown, _h, _y);
        _y.CopyTo(MemoryMarshal.CreateSpan(ref y, _y.Length));
    }
}
