using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>ggml's Q8_0.</summary>
internal sealed class Q8_0Writer : WeightWriter
{
    private const int BlockBytes = 34;
    private static readonly ushort RandomScale = HalfOf(-13);
    private static readonly ushort GateScale = HalfOf(-11);
    private static readonly sbyte[] Quants = [.. Magnitudes.Select(magnitude => (sbyte)MathF.Round(magnitude / Small * 18))];

    public override long RowBytes(int columns) => columns / 32 * (long)BlockBytes;

    public override void Random(Span<byte> row, ref SplitMix64 random)
    {
        for (int at = 0; at < row.Length; at += BlockBytes)
        {
            Span<byte> block = row.Slice(at, BlockBytes);
            MemoryMarshal.Write(block, RandomScale);
            Bytes(block[2..], ref random);
        }
    }

    public override void RandomDown(Span<byte> block, int columns, ref SplitMix64 random)
    {
        MemoryMarshal.Cast<byte, ushort>(block[..(2 * columns)]).Fill(RandomScale);
        Bytes(block[(2 * columns)..], ref random);
    }

    public override void Gate(Span<byte> row, int run, int signs, int large, uint random)
    {
        Span<byte> columns = Half(row, run, GateScale);
        for (int c = 0; c < columns.Length; c++)
        {
            int quant = Quants[Code(large, random, c)];
            columns[c] = (byte)(((signs >> c) & 1) != 0 ? -quant : quant);
        }
    }

    public override void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random)
    {
        Span<byte> columns = Half(row, run, HalfOf(exponent - 6));
        for (int c = 0; c < columns.Length; c++)
        {
            int quant = 64 + (int)(2 * ((random >> (4 * c)) & 15));
            columns[c] = (byte)(((signs >> c) & 1) != 0 ? -quant : quant);
        }
    }

    /// <summary>Odd numbers: neither 0 nor -128, which ggml does not write.</summary>
    private static void Bytes(Span<byte> quants, ref SplitMix64 random)
    {
        foreach (ref ulong eight in MemoryMarshal.Cast<byte, ulong>(quants))
        {
            eight = random.Next() | 0x0101010101010101;
        }
    }

    private static Span<byte> Half(Span<byte> row, int run, ushort scale)
    {
        Span<byte> block = row.Slice(run / 2 * BlockBytes, BlockBytes);
        MemoryMarshal.Write(block, scale);
        return block.Slice(2 + (run % 2 * 16), 16);
    }
}
