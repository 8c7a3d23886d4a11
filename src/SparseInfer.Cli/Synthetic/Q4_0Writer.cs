using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q4_0.</summary>
internal sealed class Q4_0Writer : WeightWriter
{
    private const int BlockBytes = 18;
    private static readonly ushort RandomScale = HalfOf(-9);
    private static readonly ushort GateScale = HalfOf(-7);
    private static readonly int[] Quants = [.. Magnitudes.Select(magnitude => (int)MathF.Round(magnitude / Small))];

    public override long RowBytes(int columns) => columns / 32 * (long)BlockBytes;

    public override void Random(Span<byte> row, ref SplitMix64 random)
    {
        for (int at = 0; at < row.Length; at += BlockBytes)
        {
            Span<byte> block = row.Slice(at, BlockBytes);
            MemoryMarshal.Write(block, RandomScale);
            Nibbles(block[2..], ref random);
        }
    }

    public override void RandomDown(Span<byte> block, int columns, ref SplitMix64 random)
    {
        MemoryMarshal.Cast<byte, ushort>(block[..(2 * columns)]).Fill(RandomScale);
        Nibbles(block[(2 * columns)..], ref random);
    }

    public override void Gate(Span<byte> row, int run, int signs, int large, uint random)
    {
        Span<byte> block = Block(row, run, GateScale);
        for (int c = 0; c < 16; c++)
        {
            Put(block, run, c, signs, Quants[Code(large, random, c)]);
        }
    }

    public override void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random)
    {
        Span<byte> block = Block(row, run, HalfOf(exponent - 2));
        for (int c = 0; c < 16; c++)
        {
            Put(block, run, c, signs, 4 + (int)(((random >> (2 * c)) & 3) % 3));
        }
    }

    private static void Nibbles(Span<byte> quants, ref SplitMix64 random)
    {
        // Odd, so never the 8 that stands for zero: from -7 to 7.
        foreach (ref ulong sixteen in MemoryMarshal.Cast<byte, ulong>(quants))
        {
            sixteen = random.Next() | 0x1111111111111111;
        }
    }

    private static Span<byte> Block(Span<byte> row, int run, ushort scale)
    {
        Span<byte> block = row.Slice(run / 2 * BlockBytes, BlockBytes);
        MemoryMarshal.Write(block, scale);
        return block[2..];
    }

    /// <summary>A block's first 16 columns are in the lower nibbles, the other 16 in the upper ones.</summary>
    private static void Put(Span<byte> block, int run, int column, int signs, int quant)
    {
        int nibble = 8 + (((signs >> column) & 1) != 0 ? -quant : quant);
        block[column] = run % 2 == 0 ? (byte)nibble : (byte)(block[column] | (nibble << 4));
    }
}
