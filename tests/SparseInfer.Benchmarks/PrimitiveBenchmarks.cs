using System.Numerics;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Four rows dotted with an input, from the first-level cache, for each weight type: what a type costs beyond its bytes.</summary>
[GenericTypeArguments(typeof(F32))]
[GenericTypeArguments(typeof(F16))]
[GenericTypeArguments(typeof(BF16))]
[GenericTypeArguments(typeof(Q8_0))]
[GenericTypeArguments(typeof(Q4_0))]
[GenericTypeArguments(typeof(Q5_0))]
[GenericTypeArguments(typeof(Q4_K))]
[GenericTypeArguments(typeof(Q6_K))]
public class RowDotBenchmarks<T>
    where T : IWeightArithmetic
{
    private const int Columns = 2048;

    private readonly NativeMemoryPool _memory = new();
    private readonly float[] _x = new float[Columns];
    private WeightMatrix _matrix;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        float[] values = new float[4 * Columns];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle() - 0.5f;
            _x[i % Columns] = random.NextSingle() - 0.5f;
        }

        NativeBuffer source = NativeBuffer.Allocate(T.RowBytes(Columns) * 4);
        _memory.Own(source);
        WeightConversion.Encode<T>(values, source.AsSpan<byte>());
        _matrix = WeightPacking.Pack<T>(source.Address, 4, Columns, out NativeBuffer? owner);
        _memory.Own(owner);
        T.PrepareInput(in _x[0], ref _x[0], Columns);
    }

    [GlobalCleanup]
    public void Cleanup() => _memory.Dispose();

    [Benchmark]
    public float FourRows() =>
        RowDot.Four<T>(ref _x[0], _matrix.Four(0), next: _matrix.Four(0), Columns)[0];
}

/// <summary>Packing an input's signs: done once a layer and token, by every worker.</summary>
public class SignBenchmarks
{
    private readonly float[] _x = new float[4096];
    private readonly ulong[] _words = new ulong[64];

    [Params(256, 2048, 4096)]
    public int Width { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < _x.Length; i++)
        {
            _x[i] = random.NextSingle() - 0.5f;
        }
    }

    [Benchmark]
    public void Pack() => Signs.Pack(in _x[0], ref _words[0], Width);
}

/// <summary>What this machine's memory gives one thread: a sum over 256 MiB. Kernels are held against it.</summary>
public class BandwidthBenchmarks
{
    private readonly float[] _values = new float[64 << 20];

    /// <summary>Memory that nobody wrote is one page of zeros, over and over.</summary>
    [GlobalSetup]
    public void Setup() => _values.AsSpan().Fill(1);

    [Benchmark(Description = "read 256 MiB")]
    public float Read()
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(_values);
        Vector<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < vectors.Length; i += 4)
        {
            a += vectors[i];
            b += vectors[i + 1];
            c += vectors[i + 2];
            d += vectors[i + 3];
        }

        return Vector.Sum(a + b + c + d);
    }
}
