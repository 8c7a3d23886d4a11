using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// A learned predictor's work, as Deja Vu and PowerInfer have it: two dense matrices in F16, hidden to rank and rank to neurons, a ReLU
/// between
/// them and a threshold behind. Random weights: what it predicts means nothing, what it costs does.
/// </summary>
internal sealed class LowRankPredictor : IDisposable
{
    public const int Rank = 1024;

    private const long LargerThanCaches = 128 << 20;

    private readonly List<NativeBuffer> _memory = [];
    private readonly (WeightMatrix In, WeightMatrix Out)[] _layers;
    private readonly float[] _x;
    private readonly float[] _prepared;
    private readonly float[] _inner = new float[Rank];
    private readonly float[] _scores;
    private readonly int[] _candidates;
    private int _token;

    public LowRankPredictor(int hidden)
    {
        int neurons = SyntheticLayer.IntermediateOf(hidden);
        Bytes = ((long)hidden + neurons) * Rank * sizeof(ushort);
        var random = new Random(1);
        _layers =
        [
            .. Enumerable.Range(0, (int)(LargerThanCaches / Bytes) + 1)
                .Select(_ => (Matrix(random, Rank, hidden), Matrix(random, neurons, Rank))),
        ];
        _x = [.. Enumerable.Range(0, hidden).Select(_ => random.NextSingle() - 0.5f)];
        _prepared = new float[Math.Max(hidden, Rank)];
        _scores = new float[neurons];
        _candidates = new int[neurons + 1];
    }

    public long Bytes { get; }

    /// <summary>Number of neurons let through by the last step.</summary>
    public int Candidates { get; private set; }

    /// <summary>Predicts a layer.</summary>
    public void Step()
    {
        (WeightMatrix a, WeightMatrix b) = _layers[(_token++ & int.MaxValue) % _layers.Length];
        float undo = F16.PrepareInput(in _x[0], ref _prepared[0], _x.Length);
        MatrixVector.Multiply<F16>(in a, 0, Rank, _x.Length, ref _prepared[0], undo, ref _inner[0]);
        TensorPrimitives.Max(_inner, 0f, _inner);
        undo = F16.PrepareInput(in _inner[0], ref _prepared[0], Rank);
        MatrixVector.Multiply<F16>(in b, 0, _scores.Length, Rank, ref _prepared[0], undo, ref _scores[0]);
        int count = 0;
        for (int i = 0; i < _scores.Length; i++)
        {
            _candidates[count] = i;
            count += _scores[i] > 0 ? 1 : 0;
        }

        Candidates = count;
    }

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private WeightMatrix Matrix(Random random, int rows, int columns)
    {
        NativeBuffer memory = NativeBuffer.Allocate((long)rows * columns * sizeof(ushort));
        _memory.Add(memory);
        Span<ushort> weights = memory.AsSpan<ushort>();
        random.NextBytes(MemoryMarshal.AsBytes(weights));
        for (int i = 0; i < weights.Length; i++)
        {
            // Any sign and fraction, exponents from 2^-8 to 2^-1.
            weights[i] = (ushort)((weights[i] & 0x9FFF) | 0x1C00 | ((weights[i] & 0x1C00) == 0 ? 0 : 0x0400));
        }

        return WeightMatrix.FromMemory(memory.Address, rows, columns, columns * sizeof(ushort));
    }
}
