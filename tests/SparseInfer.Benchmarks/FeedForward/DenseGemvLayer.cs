using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Three matrices times a vector, one after the other, as files have them: what one writes who knows nothing of sparsity. Every mode is dense.</summary>
internal sealed class DenseGemvLayer<T> : ILayer
    where T : IWeightFormat
{
    private readonly List<NativeBuffer> _memory = [];
    private readonly WeightMatrix _gate;
    private readonly WeightMatrix _up;
    private readonly WeightMatrix _down;
    private readonly float[] _h;
    private readonly float[] _u;

    public DenseGemvLayer(SyntheticLayer data)
    {
        int hidden = data.Shape.Hidden, intermediate = data.Shape.Intermediate;
        _gate = Matrix(data.Gate, intermediate, hidden);
        _up = Matrix(data.Up, intermediate, hidden);
        _down = Matrix(data.Down, hidden, intermediate);
        _h = new float[intermediate];
        _u = new float[intermediate];
    }

    public void Forward(float[] x, float[] y, SparsityMode mode)
    {
        PlainGemv.Multiply<T>(in _gate, x, _h);
        PlainGemv.Multiply<T>(in _up, x, _u);
        for (int i = 0; i < _h.Length; i++)
        {
            _h[i] = Math.Max(0, _h[i]) * _u[i];
        }

        PlainGemv.Multiply<T>(in _down, _h, y);
    }

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private WeightMatrix Matrix(byte[] bytes, int rows, int columns)
    {
        NativeBuffer memory = NativeBuffer.Allocate(bytes.Length);
        _memory.Add(memory);
        bytes.CopyTo(memory.AsSpan<byte>());
        return WeightMatrix.FromMemory(memory.Address, rows, columns, T.RowBytes(columns));
    }
}
