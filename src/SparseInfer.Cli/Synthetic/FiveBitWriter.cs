using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q5_0 and Q5_1: halves, 4 bytes of fifth bits, 16 bytes of four bits.</summary>
/// <param name="halves">A scale, perhaps a minimum.</param>
internal abstract class FiveBitWriter(int halves) : QuantWriter(32, (2 * halves) + 20, excess: 16, halves)
{
    protected sealed override Range FourBits => ((2 * Halves) + 4)..;

    protected sealed override ReadOnlySpan<byte> Integers => [];

    protected sealed override void WriteScales(Span<byte> block, int exponent)
    {
        for (int half = 0; half < Halves; half++)
        {
            MemoryMarshal.Write(block[(2 * half)..], Half(exponent, half));
        }
    }

    /// <summary>What is added is the excess, negative.</summary>
    protected sealed override ushort Half(int exponent, int half) =>
        half == 0 ? HalfOf(exponent) : BitConverter.HalfToUInt16Bits((Half)(-Excess * MathF.ScaleB(1f, exponent)));

    protected sealed override void Set(Span<byte> block, int column, int quant)
    {
        Span<byte> quants = block[(2 * Halves)..];
        quants[column / 8] |= (byte)(quant >> 4 << (column % 8));
        quants[4 + (column % 16)] |= (byte)((quant & 15) << (column / 16 * 4));
    }
}
