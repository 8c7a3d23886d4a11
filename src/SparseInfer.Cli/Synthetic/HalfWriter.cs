using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>F16 and BF16: sixteen bits with another division.</summary>
internal sealed class HalfWriter(int exponentOfOne, int mantissaBits) : WeightWriter
{
    private readonly ushort[] _magnitudes = [.. Magnitudes.Select(magnitude => mantissaBits == 10
        ? BitConverter.HalfToUInt16Bits((Half)magnitude)
        : (ushort)(BitConverter.SingleToUInt32Bits(magnitude) >> 16))];

    private readonly ulong _keep = ((1UL << mantissaBits) - 1 | 0x8000) * 0x0001000100010001;
    private readonly ulong _exponent = ((ulong)(exponentOfOne - 7) << mantissaBits) * 0x0001000100010001;

    public override long RowBytes(int columns) => columns * 2L;

    public override void Random(Span<byte> row, ref SplitMix64 random)
    {
        foreach (ref ulong four in MemoryMarshal.Cast<byte, ulong>(row))
        {
            four = (random.Next() & _keep) | _exponent;
        }
    }

    public override void Gate(Span<byte> row, int run, int signs, int large, uint random)
    {
        Span<ushort> columns = MemoryMarshal.Cast<byte, ushort>(row).Slice(run * 16, 16);
        for (int c = 0; c < columns.Length; c++)
        {
            columns[c] = (ushort)(((signs >> c) << 15) | _magnitudes[Code(large, random, c)]);
        }
    }

    public override void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random)
    {
        Span<ushort> columns = MemoryMarshal.Cast<byte, ushort>(row).Slice(run * 16, 16);
        for (int c = 0; c < columns.Length; c++)
        {
            int magnitude = ((exponentOfOne + exponent) << mantissaBits) | ((int)((random >> (4 * c)) & 15) << (mantissaBits - 5));
            columns[c] = (ushort)(((signs >> c) << 15) | magnitude);
        }
    }
}
