using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q4_K and Q5_K: two halves, 12 bytes of integers, perhaps 32 bytes of fifth bits, 128 bytes of four bits.</summary>
/// <param name="blockBytes">Bytes of a block.</param>
/// <param name="excess">What stands for zero.</param>
internal abstract class SixBitScaleWriter(int blockBytes, int excess) : QuantWriter(256, blockBytes, excess, halves: 2)
{
    private const int FirstBits = 16;

    /// <summary>Every scale 1, every minimum the excess: four in six bits, four in four bits with two above the former.</summary>
    private readonly byte[] _integers =
    [
        1, 1, 1, 1,
        .. Enumerable.Repeat((byte)(excess | (excess >> 4 << 6)), 4),
        .. Enumerable.Repeat((byte)(1 | ((excess & 15) << 4)), 4),
    ];

    protected sealed override Range FourBits => ^128..;

    protected sealed override ReadOnlySpan<byte> Integers => _integers;

    protected sealed override void WriteScales(Span<byte> block, int exponent)
    {
        MemoryMarshal.Write(block, HalfOf(exponent));
        MemoryMarshal.Write(block[2..], HalfOf(exponent));
        _integers.CopyTo(block[4..]);
    }

    protected sealed override void Set(Span<byte> block, int column, int quant)
    {
        block[^128..][(column / 64 * 32) + (column % 32)] |= (byte)((quant & 15) << (column % 64 / 32 * 4));
        if (Excess == 16)
        {
            block[FirstBits + (column % 32)] |= (byte)(quant >> 4 << (column / 32));
        }
    }
}
