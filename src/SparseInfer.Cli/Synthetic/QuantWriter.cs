using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// Block types of four to six bits, so scaled that a weight is a power of two times its quant, less half the quants there are: minima, where there are
/// any, are the excess.
/// </summary>
/// <param name="blockColumns">Columns of a block.</param>
/// <param name="blockBytes">Its bytes.</param>
/// <param name="excess">What stands for zero: 8, 16 or 32.</param>
/// <param name="halves">Halves of a block: a scale, perhaps a minimum.</param>
internal abstract class QuantWriter(int blockColumns, int blockBytes, int excess, int halves) : WeightWriter
{
    /// <summary>Steps to one of four bits' steps.</summary>
    private readonly int _finer = excess / 8;

    private readonly int[] _quants = [.. Magnitudes.Select(magnitude => (int)MathF.Round(magnitude / Small * (excess / 8)))];

    protected int Excess => excess;

    protected int Halves => halves;

    private int FinerExponent => int.Log2(_finer);

    /// <summary>Where four bits of every quant begin.</summary>
    protected abstract Range FourBits { get; }

    /// <summary>Integer scales and minima as a block has them, one byte after the other; none where scales are 1.</summary>
    protected abstract ReadOnlySpan<byte> Integers { get; }

    public sealed override long RowBytes(int columns) => columns / blockColumns * (long)blockBytes;

    public sealed override void Random(Span<byte> row, ref SplitMix64 random)
    {
        for (int at = 0; at < row.Length; at += blockBytes)
        {
            Span<byte> block = row.Slice(at, blockBytes);
            Fill(block, ref random);
            MakeOdd(block[FourBits]);
            WriteScales(block, -9 - FinerExponent);
        }
    }

    public sealed override void RandomDown(Span<byte> block, int columns, ref SplitMix64 random)
    {
        Span<byte> rest = block;
        for (int half = 0; half < halves; half++)
        {
            MemoryMarshal.Cast<byte, ushort>(rest[..(2 * columns)]).Fill(Half(-9 - FinerExponent, half));
            rest = rest[(2 * columns)..];
        }

        foreach (byte integer in Integers)
        {
            rest[..columns].Fill(integer);
            rest = rest[columns..];
        }

        // 32 quants have 16 bytes of four bits, then what is above.
        Fill(rest, ref random);
        for (int length = 16 + (4 * FinerExponent); !rest.IsEmpty; rest = rest[length..])
        {
            MakeOdd(rest[..16]);
        }
    }

    public sealed override void Gate(Span<byte> row, int run, int signs, int large, uint random)
    {
        Span<byte> block = Block(row, run, -7 - FinerExponent);
        for (int c = 0; c < 16; c++)
        {
            Put(block, run, c, signs, _quants[Code(large, random, c)]);
        }
    }

    public sealed override void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random)
    {
        Span<byte> block = Block(row, run, exponent - 2 - FinerExponent);
        for (int c = 0; c < 16; c++)
        {
            Put(block, run, c, signs, _finer * (4 + (int)(((random >> (2 * c)) & 3) % 3)));
        }
    }

    /// <summary>Writes the halves and integers of a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="exponent">The power of two that a quant's step is.</param>
    protected abstract void WriteScales(Span<byte> block, int exponent);

    /// <summary>Sets a quant's bits, which are zero.</summary>
    protected abstract void Set(Span<byte> block, int column, int quant);

    /// <summary>The bits of a block's scale (0) or minimum (1).</summary>
    protected virtual ushort Half(int exponent, int half) => HalfOf(exponent);

    private static void Fill(Span<byte> bytes, ref SplitMix64 random)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            MemoryMarshal.Write(bytes, random.Next());
        }

        ulong rest = random.Next();
        MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in rest))[..bytes.Length].CopyTo(bytes);
    }

    /// <summary>Odd quants never are what stands for zero.</summary>
    private static void MakeOdd(Span<byte> fourBits)
    {
        foreach (ref ulong sixteen in MemoryMarshal.Cast<byte, ulong>(fourBits))
        {
            sixteen |= 0x1111111111111111;
        }
    }

    /// <summary>The block of a run of 16 columns, begun where the run is its first.</summary>
    private Span<byte> Block(Span<byte> row, int run, int exponent)
    {
        Span<byte> block = row.Slice(run * 16 / blockColumns * blockBytes, blockBytes);
        if (run * 16 % blockColumns == 0)
        {
            block.Clear();
            WriteScales(block, exponent);
        }

        return block;
    }

    private void Put(Span<byte> block, int run, int column, int signs, int quant) =>
        Set(block, (run * 16 % blockColumns) + column, excess + (((signs >> column) & 1) != 0 ? -quant : quant));
}
