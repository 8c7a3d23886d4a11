using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>A random matrix as a file would hold it, beside the values that it stands for, decoded the plainest way.</summary>
internal sealed class Sample<T> : IDisposable
    where T : IWeightFormat
{
    private readonly NativeBuffer _source;

    public Sample(int rows, int columns, int seed = 1)
    {
        Rows = rows;
        Columns = columns;
        _source = NativeBuffer.Allocate(rows * WeightPacking.SourceRowBytes<T>(columns));
        Values = new float[rows * columns];
        var random = new Random(seed);
        if (T.BlockElements == 1)
        {
            FillPlain(random);
        }
        else
        {
            FillBlocks(random);
        }
    }

    public int Rows { get; }

    public int Columns { get; }

    public float[] Values { get; }

    public nint Address => _source.Address;

    public int RowBytes => (int)WeightPacking.SourceRowBytes<T>(Columns);

    public Span<byte> Bytes => _source.AsSpan<byte>();

    public float this[int row, int column] => Values[(row * Columns) + column];

    public WeightMatrix Pack(out NativeBuffer? owner) => WeightPacking.Pack<T>(Address, Rows, Columns, out owner);

    public void Dispose() => _source.Dispose();

    /// <summary>Normal numbers, zeros of both signs, and what is subnormal in a half.</summary>
    private void FillPlain(Random random)
    {
        for (int i = 0; i < Values.Length; i++)
        {
            float value = random.Next(12) switch
            {
                0 => 0f,
                1 => -0f,
                2 => (random.NextSingle() - 0.5f) * 1e-6f,
                _ => (random.NextSingle() - 0.5f) * 0.2f,
            };
            if (typeof(T) == typeof(F32))
            {
                MemoryMarshal.Cast<byte, float>(Bytes)[i] = value;
            }
            else if (typeof(T) == typeof(F16))
            {
                MemoryMarshal.Cast<byte, Half>(Bytes)[i] = (Half)value;
                value = (float)(Half)value;
            }
            else
            {
                uint bits = BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000;
                MemoryMarshal.Cast<byte, ushort>(Bytes)[i] = (ushort)(bits >> 16);
                value = BitConverter.UInt32BitsToSingle(bits);
            }

            Values[i] = value;
        }
    }

    /// <summary>Scales of both signs, zero and subnormal ones among them; every quant there is.</summary>
    private void FillBlocks(Random random)
    {
        BlockReference reference = BlockReference.For<T>()!;
        for (int block = 0; block < Values.Length / T.BlockElements; block++)
        {
            Span<byte> bytes = Bytes.Slice(block * T.BlockBytes, T.BlockBytes);
            random.NextBytes(bytes);
            for (int half = 0; half < (reference.HasMinimum ? 2 : 1); half++)
            {
                MemoryMarshal.Write(bytes[(reference.HalvesOffset + (2 * half))..], (Half)(random.Next(8) switch
                {
                    0 => 0f,
                    1 => 3e-6f,
                    _ => (random.NextSingle() - 0.5f) * 0.02f,
                }));
            }

            for (int i = 0; i < T.BlockElements; i++)
            {
                Values[(block * T.BlockElements) + i] = reference.Value(bytes, i);
            }
        }
    }
}
