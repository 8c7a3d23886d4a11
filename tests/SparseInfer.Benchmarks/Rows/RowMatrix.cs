using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>A matrix of random weights and an input, multiplied in several ways, on one thread.</summary>
internal sealed class RowMatrix<T> : IDisposable
    where T : IWeightArithmetic
{
    public const int Columns = 4096;

    /// <summary>Rows that differ; more are copies of these, since only their addresses matter.</summary>
    private const int DistinctRows = 61;

    private readonly NativeBuffer _memory;
    private readonly WeightMatrix _matrix;
    private readonly float[] _x = new float[Columns];
    private readonly float[] _widened = new float[Columns];
    private readonly NativeBuffer _prepared = NativeBuffer.Allocate(Columns * sizeof(float));
    private readonly float _undo;
    private readonly int[][] _survivors;
    private int _token;

    /// <summary>Fills a matrix.</summary>
    /// <param name="bytes">Its size; a few bytes less where rows do not divide it.</param>
    public RowMatrix(long bytes)
    {
        Rows = RowsIn(bytes);
        int rowBytes = (int)T.RowBytes(Columns);
        var random = new Random(1);
        Fill(random, _x);
        float[] row = new float[Columns];
        byte[][] encoded = new byte[Math.Min(Rows, DistinctRows)][];
        for (int i = 0; i < encoded.Length; i++)
        {
            Fill(random, row);
            encoded[i] = new byte[rowBytes];
            WeightConversion.Encode<T>(row, encoded[i]);
        }

        _memory = NativeBuffer.Allocate((long)Rows * rowBytes);
        _matrix = WeightMatrix.FromMemory(_memory.Address, Rows, Columns, rowBytes);
        for (int i = 0; i < Rows; i++)
        {
            encoded[i % encoded.Length].CopyTo(Row(i));
        }

        _undo = T.PrepareInput(in _x[0], ref _prepared.Ref<float>(), Columns);
        Y = new float[Rows];
        _survivors = Survivors(random);
        RequireAgreement();
    }

    public int Rows { get; }

    public WeightMatrix Matrix => _matrix;

    public long Bytes => (long)Rows * T.RowBytes(Columns);

    /// <summary>What <see cref="DotSurvivors"/> reads at a time, on average.</summary>
    public double SurvivorBytes => Bytes / (double)_survivors.Length;

    public float[] Y { get; }

    public static int RowsIn(long bytes) => (int)(bytes / T.RowBytes(Columns));

    /// <summary>This project's kernel.</summary>
    public void Multiply() => MatrixVector.Multiply<T>(in _matrix, 0, Rows, Columns, ref _prepared.Ref<float>(), _undo, ref Y[0]);

    /// <summary>Rows widened to floats one by one, and the base library's dot product.</summary>
    public void TensorPrimitivesDot()
    {
        for (int i = 0; i < Rows; i++)
        {
            Y[i] = TensorPrimitives.Dot(WidenedRow.Of<T>(Row(i), _widened), _x);
        }
    }

    /// <summary>The loop that one writes by hand.</summary>
    public void PlainGemv() => Benchmarks.PlainGemv.Multiply<T>(in _matrix, _x, Y);

    /// <summary>Every row in order, asking ahead for the rows that follow, or for those at hand.</summary>
    public void DotAll(bool ahead)
    {
        ref float x = ref _prepared.Ref<float>();
        for (int i = 0; i + 4 <= Rows; i += 4)
        {
            FourRows rows = _matrix.Four(i);
            (_undo * RowDot.Four<T>(ref x, in rows, ahead ? _matrix.Four(i + 4) : rows, Columns)).CopyTo(Y, i);
        }
    }

    /// <summary>A tenth of the rows, scattered, and the next time another tenth.</summary>
    public void DotSurvivors(bool ahead)
    {
        int[] list = _survivors[_token++ % _survivors.Length];
        ref float x = ref _prepared.Ref<float>();
        for (int n = 0; n + 8 <= list.Length; n += 4)
        {
            FourRows rows = _matrix.Four(ref list[0], n);
            (_undo * RowDot.Four<T>(ref x, in rows, ahead ? _matrix.Four(ref list[0], n + 4) : rows, Columns)).CopyTo(Y, n);
        }
    }

    public void Dispose()
    {
        _memory.Dispose();
        _prepared.Dispose();
    }

    private static void Fill(Random random, float[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (random.NextSingle() * 2) - 1;
        }
    }

    private Span<byte> Row(int row) => MemoryMarshal.CreateSpan(ref _matrix.Row(row), (int)_matrix.Stride);

    private int[][] Survivors(Random random)
    {
        int[] rows = [.. Enumerable.Range(0, Rows)];
        random.Shuffle(rows);
        return [.. rows.Chunk((Rows + 9) / 10).Select(chunk => chunk.Order().ToArray())];
    }

    /// <summary>Ways to compute the same had better compute the same: within what the input's rounding to 8 bits leaves of it.</summary>
    private void RequireAgreement()
    {
        float[] exact = new float[Rows];
        PlainGemv();
        Y.CopyTo(exact, 0);
        TensorPrimitivesDot();
        Agreement.Require(exact, Y, 1e-5f, "TensorPrimitives.Dot");
        Multiply();
        Agreement.Require(exact, Y, T.QuantizesInput ? 0.02f : 1e-5f, "MatrixVector.Multiply");
    }
}
