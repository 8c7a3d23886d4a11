using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>Singles.</summary>
internal sealed class F32Writer : WeightWriter
{
    public override long RowBytes(int columns) => columns * 4L;

    public override void Random(Span<byte> row, ref SplitMix64 random)
    {
        // Any sign and mantissa, exponent -7.
        foreach (ref ulong pair in MemoryMarshal.Cast<byte, ulong>(row))
        {
            pair = (random.Next() & 0x807FFFFF_807FFFFF) | 0x3C000000_3C000000;
        }
    }

    public override void Gate(Span<byte> row, int run, int signs, int large, uint random)
    {
        Span<float> columns = MemoryMarshal.Cast<byte, float>(row).Slice(run * 16, 16);
        for (int c = 0; c < columns.Length; c++)
        {
            float magnitude = Magnitudes[Code(large, random, c)];
            columns[c] = ((signs >> c) & 1) != 0 ? -magnitude : magnitude;
        }
    }

    public override void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random)
    {
        Span<uint> columns = MemoryMarshal.Cast<byte, uint>(row).Slice(run * 16, 16);
        for (int c = 0; c < columns.Length; c++)
        {
            uint magnitude = ((uint)(127 + exponent) << 23) | ((uint)((random >> (4 * c)) & 15) << 18);
            columns[c] = ((uint)(signs >> c) << 31) | magnitude;
        }
    }
}
