using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>A matrix and the inputs of some tokens: multiplied together, or one token after the other. One thread.</summary>
internal sealed class TokenBatch<T> : IDisposable
    where T : IWeightArithmetic
{
    private const int Columns = RowMatrix<T>.Columns;

    private readonly RowMatrix<T> _rows;
    private readonly int _tokens;
    private readonly float[] _x;
    private readonly float[] _y;
    private readonly int _panelLength;
    private readonly NativeBuffer _panel;
    private readonly NativeBuffer _prepared = NativeBuffer.Allocate(Columns * sizeof(float));

    /// <summary>Makes up the inputs.</summary>
    /// <param name="rows">The matrix.</param>
    /// <param name="tokens">Number of tokens.</param>
    public TokenBatch(RowMatrix<T> rows, int tokens)
    {
        _rows = rows;
        _tokens = tokens;
        var random = new Random(2);
        _x = [.. Enumerable.Range(0, tokens * Columns).Select(_ => (random.NextSingle() * 2) - 1)];
        _y = new float[tokens * rows.Rows];
        _panelLength = MatrixMatrix.PanelLength(Columns, tokens);
        _panel = NativeBuffer.Allocate((long)_panelLength * sizeof(float));
        RequireSameBits();
    }

    /// <summary>All tokens at once, as prompts and batches do.</summary>
    public void Together()
    {
        WeightMatrix w = _rows.Matrix;
        Span<float> panel = MemoryMarshal.CreateSpan(ref _panel.Ref<float>(), _panelLength);
        MatrixMatrix.Multiply<T>(in w, 0, _rows.Rows, Columns, ref _x[0], Columns, _tokens, ref _y[0], _rows.Rows, panel);
    }

    /// <summary>One after the other: weights are read from memory for each.</summary>
    public void OneByOne()
    {
        WeightMatrix w = _rows.Matrix;
        for (int t = 0; t < _tokens; t++)
        {
            float undo = T.PrepareInput(in _x[t * Columns], ref _prepared.Ref<float>(), Columns);
            MatrixVector.Multiply<T>(in w, 0, _rows.Rows, Columns, ref _prepared.Ref<float>(), undo, ref _y[t * _rows.Rows]);
        }
    }

    public void Dispose()
    {
        _panel.Dispose();
        _prepared.Dispose();
    }

    private void RequireSameBits()
    {
        OneByOne();
        float[] expected = [.. _y];
        Together();
        if (!MemoryMarshal.AsBytes(expected.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(_y.AsSpan())))
        {
            throw new InvalidOperationException($"{_tokens} tokens of {typeof(T).Name} together have other bits than one after the other.");
        }
    }
}
