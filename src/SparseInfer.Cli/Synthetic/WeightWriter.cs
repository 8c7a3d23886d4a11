using System.Runtime.InteropServices;

namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// Writes rows of one weight type straight into their final bytes, in ggml's layout. No weight is zero and none, nor any block's scale, is
/// subnormal: what kernels do does not depend on the values, and it shall stay so.
/// </summary>
internal abstract class WeightWriter
{
    /// <summary>How much larger the columns are that speak against the prediction.</summary>
    public const int LargeRatio = 6;

    /// <summary>About the magnitude of a small weight of a gate row.</summary>
    public const float Small = 1f / 128;

    /// <summary>The exponent of an embedding's elements: so large that what layers add to the residual stream turns no sign.</summary>
    private const int EmbeddingExponent = 12;

    /// <summary>The writer of a type.</summary>
    public static WeightWriter For(WeightType type) => type switch
    {
        WeightType.F32 => new F32Writer(),
        WeightType.F16 => new HalfWriter(exponentOfOne: 15, mantissaBits: 10),
        WeightType.BF16 => new HalfWriter(exponentOfOne: 127, mantissaBits: 7),
        WeightType.Q8_0 => new Q8Writer(),
        WeightType.Q4_0 => new Q4Writer(),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>Bytes of a row.</summary>
    public abstract long RowBytes(int columns);

    /// <summary>Fills a row with weights of magnitudes about 1/128, of either sign.</summary>
    public abstract void Random(Span<byte> row, ref SplitMix64 random);

    /// <summary>
    /// Fills 32 neurons of a neuron-major down matrix: plain types row after row; block types scales first, then rows of quants.
    /// </summary>
    public virtual void RandomDown(Span<byte> block, int columns, ref SplitMix64 random) => Random(block, ref random);

    /// <summary>Writes 16 columns of a gate row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="run">Which 16 columns.</param>
    /// <param name="signs">A bit a column; set: negative.</param>
    /// <param name="large">A bit a column; set: <see cref="LargeRatio"/> times larger.</param>
    /// <param name="random">Two bits a column, that vary the magnitudes by an eighth.</param>
    public abstract void Gate(Span<byte> row, int run, int signs, int large, uint random);

    /// <summary>Writes 16 columns of an embedding: magnitudes from 1 to 1.5 times a power of two.</summary>
    /// <param name="row">The row.</param>
    /// <param name="run">Which 16 columns.</param>
    /// <param name="signs">A bit a column; set: negative.</param>
    /// <param name="exponent">The power.</param>
    /// <param name="random">Vary the magnitudes.</param>
    public abstract void Embedding(Span<byte> row, int run, int signs, int exponent, ulong random);

    /// <summary>The exponent for a model that multiplies its embeddings by a factor.</summary>
    public static int ExponentFor(float embeddingScale) => EmbeddingExponent - Math.Max(0, (int)MathF.Ceiling(MathF.Log2(embeddingScale)));

    /// <summary>Magnitudes of gate weights, the small ones first.</summary>
    private static readonly float[] Magnitudes =
        [.. new[] { 1, LargeRatio }.SelectMany(ratio => new[] { 0.88f, 0.96f, 1.04f, 1.12f }.Select(m => m * ratio * Small))];

    /// <summary>Index of a column's magnitude.</summary>
    private static int Code(int large, uint random, int column) => (((large >> column) & 1) << 2) | (int)((random >> (2 * column)) & 3);

    private sealed class F32Writer : WeightWriter
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

    /// <summary>F16 and BF16: sixteen bits with another division.</summary>
    private sealed class HalfWriter(int exponentOfOne, int mantissaBits) : WeightWriter
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

    private sealed class Q8Writer : WeightWriter
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

    private sealed class Q4Writer : WeightWriter
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

    private static ushort HalfOf(int exponent) => BitConverter.HalfToUInt16Bits((Half)MathF.ScaleB(1f, exponent));
}
