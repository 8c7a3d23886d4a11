using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q6_K: 128 bytes of four bits, 64 of two, 16 scales, their half.</summary>
internal sealed class Q6_KWriter() : QuantWriter(256, 210, excess: 32, halves: 1)
{
    private static readonly byte[] Ones = [.. Enumerable.Repeat((byte)1, 16)];

    protected override Range FourBits => ..128;

    protected override ReadOnlySpan<byte> Integers => Ones;

    protected override void WriteScales(Span<byte> block, int exponent)
    {
        Ones.CopyTo(block[192..]);
        MemoryMarshal.Write(block[208..], HalfOf(exponent));
    }

    protected override void Set(Span<byte> block, int column, int quant)
    {
        (int half, int inside) = (column / 128, column % 128);
        block[(half * 64) + (inside % 64)] |= (byte)((quant & 15) << (inside / 64 * 4));
        block[128 + (half * 32) + (inside % 32)] |= (byte)(quant >> 4 << (inside / 32 * 2));
    }
}
