namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class F32Tests : WeightFormatTests<F32>;

public sealed class F16Tests : WeightFormatTests<F16>;

public sealed class BF16Tests : WeightFormatTests<BF16>;

public sealed class Q8_0Tests : WeightFormatTests<Q8_0>;

public sealed class Q4_0Tests : WeightFormatTests<Q4_0>;

public sealed class Q5_0Tests : WeightFormatTests<Q5_0>;

public sealed class Q5_1Tests : WeightFormatTests<Q5_1>;

public sealed class Q4_KTests : WeightFormatTests<Q4_K>;

public sealed class Q5_KTests : WeightFormatTests<Q5_K>;

public sealed class Q6_KTests : WeightFormatTests<Q6_K>;

/// <summary>What holds in every format; each format's tests are a class of their own.</summary>
public abstract partial class WeightFormatTests<T>
    where T : IWeightArithmetic
{
    /// <summary>Widths of every kind, those that the format can hold; the last takes three column blocks of a matrix product.</summary>
    private static IEnumerable<int> Widths =>
        new[] { 1, 31, 32, 33, 63, 64, 100, 256, 768, 1536, 2080 }.Where(width => width % T.BlockElements == 0);

    /// <summary>A width, or the next that the format can hold.</summary>
    private static int Fit(int width) => (width + T.BlockElements - 1) / T.BlockElements * T.BlockElements;

    [Fact]
    public void Decoding_gives_the_values_the_bytes_stand_for()
    {
        foreach (int width in Widths)
        {
            using var sample = new Sample<T>(3, width);
            var decoded = new float[sample.Values.Length];
            WeightConversion.Decode<T>(sample.Bytes, decoded);
            Reference.Bits(decoded).ShouldBe(Reference.Bits(sample.Values));
        }
    }

    [Fact]
    public void A_matrix_times_a_vector_is_what_double_precision_says_to_rounding()
    {
        foreach (int width in Widths)
        {
            foreach (int rows in new[] { 1, 3, 4, 7 })
            {
                using var sample = new Sample<T>(rows, width);
                float[] x = Reference.RandomRows(1, width, seed: 5);
                float[] y = MultiplyVector(sample, x, 0, rows);
                for (int row = 0; row < rows; row++)
                {
                    (double sum, double magnitude) = Reference.DoubleDot(x, sample.Values.AsSpan(row * width, width));
                    double rounding = BlockReference.For<T>()?.InputRounding ?? 1e-6;
                    ((double)y[row]).ShouldBe(sum, (magnitude * rounding) + 1e-30, $"{rows} x {width}, row {row}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(32767f)]
    [InlineData(32768f)]
    [InlineData(1e6f)]
    [InlineData(1e12f)]
    public void A_dot_product_has_the_bits_of_the_chains_of_unfolded_multiply_adds_that_define_it(float scale)
    {
        foreach (int width in Widths)
        {
            const int Rows = 7;
            using var sample = new Sample<T>(Rows, width);
            float[] x = Reference.RandomRows(1, width, seed: 6, scale);
            x[0] = scale;
            float[] y = MultiplyVector(sample, x, 0, Rows);
            for (int row = 0; row < Rows; row++)
            {
                Reference.Bits(y.AsSpan(row, 1)).ShouldBe(Reference.Bits([Dot(sample, x, row)]), $"{width}, row {row}");
            }
        }
    }

    [Fact]
    public void An_input_prepared_in_place_gives_the_same_bits()
    {
        foreach (int width in Widths)
        {
            using var sample = new Sample<T>(4, width);
            float[] x = Reference.RandomRows(1, width, seed: 7);
            float[] expected = MultiplyVector(sample, x, 0, 4);
            WeightMatrix w = sample.Pack(out NativeBuffer? owner);
            using (owner)
            {
                var y = new float[4];
                float undo = T.PrepareInput(in x[0], ref x[0], x.Length);
                MatrixVector.Multiply<T>(in w, 0, 4, w.PaddedColumns, ref x[0], undo, ref y[0]);
                Reference.Bits(y).ShouldBe(Reference.Bits(expected));
            }
        }
    }

    [Fact]
    public void An_input_of_zeros_gives_zeros()
    {
        using var sample = new Sample<T>(4, Fit(96));
        MultiplyVector(sample, new float[sample.Columns], 0, 4).ShouldAllBe(y => y == 0);
    }

    [Fact]
    public void A_range_of_rows_writes_its_own_outputs_only()
    {
        using var sample = new Sample<T>(11, Fit(64));
        float[] x = Reference.RandomRows(1, sample.Columns, seed: 8);
        float[] whole = MultiplyVector(sample, x, 0, 11);
        float[] part = MultiplyVector(sample, x, 3, 9);
        for (int row = 0; row < 11; row++)
        {
            part[row].ShouldBe(row is >= 3 and < 9 ? whole[row] : float.NegativeInfinity);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_batch_has_the_bits_of_its_vectors_one_by_one(bool wide)
    {
        foreach ((int rows, int tokenCounts) in new[] { (7, 9), (1, 3), (50, 2) })
        {
            foreach (int width in Widths)
            {
                for (int tokens = 1; tokens <= tokenCounts; tokens++)
                {
                    ExpectBatchEqualsVectors(wide, rows, width, tokens, scale: 1);
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_batch_of_several_blocks_of_tokens_or_of_huge_inputs_has_the_bits_of_its_vectors(bool wide)
    {
        ExpectBatchEqualsVectors(wide, rows: 27, width: Fit(96), tokens: 33, scale: 1);
        ExpectBatchEqualsVectors(wide, rows: 5, width: Fit(64), tokens: 131, scale: 1);
        ExpectBatchEqualsVectors(wide, rows: 5, width: Fit(64), tokens: 165, scale: 1);
        ExpectBatchEqualsVectors(wide, rows: 9, width: 256, tokens: 5, scale: 1e7f);
        ExpectBatchEqualsVectors(wide, rows: 9, width: 256, tokens: 20, scale: 1e7f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_batch_that_does_not_fill_its_tiles_or_spans_blocks_of_rows_and_columns_has_the_bits_of_its_vectors(bool wide)
    {
        foreach (int width in Widths)
        {
            ExpectBatchEqualsVectors(wide, rows: 16, width, tokens: 13, scale: 1);
        }

        foreach (int rows in new[] { 1, 2, 5, 8, 14 })
        {
            ExpectBatchEqualsVectors(wide, rows, width: Fit(64), tokens: 31, scale: 1);
        }

        // Each number of a batch of sessions, past a segment's end, with rows that are no multiple of four.
        for (int tokens = 2; tokens <= 17; tokens++)
        {
            ExpectBatchEqualsVectors(wide, rows: 19, width: Fit(1056), tokens, scale: 1);
        }

        ExpectBatchEqualsVectors(wide, rows: 203, width: Fit(544), tokens: 45, scale: 1);
        ExpectBatchEqualsVectors(wide, rows: 101, width: Fit(2080), tokens: 45, scale: 1);
    }

    private static float Dot(Sample<T> sample, float[] x, int row)
    {
        ReadOnlySpan<byte> blocks = sample.Bytes.Slice(row * sample.RowBytes, sample.RowBytes);
        return BlockReference.For<T>()?.Dot(x, blocks)
            ?? Reference.Dot(x, sample.Values.AsSpan(row * sample.Columns, sample.Columns));
    }

    private static float[] MultiplyVector(Sample<T> sample, float[] x, int fromRow, int toRow)
    {
        WeightMatrix w = sample.Pack(out NativeBuffer? owner);
        using (owner)
        {
            w.PaddedColumns.ShouldBe(x.Length);
            var y = new float[sample.Rows];
            y.AsSpan().Fill(float.NegativeInfinity);
            var prepared = new float[x.Length];
            float undo = T.PrepareInput(in x[0], ref prepared[0], x.Length);
            MatrixVector.Multiply<T>(in w, fromRow, toRow, w.PaddedColumns, ref prepared[0], undo, ref y[0]);
            return y;
        }
    }

    private static void ExpectBatchEqualsVectors(bool wide, int rows, int width, int tokens, float scale)
    {
        using var sample = new Sample<T>(rows, width);
        int padded = Padding.Pad(width);
        int yStride = rows + 3;
        float[] x = Reference.RandomRows(tokens, width, seed: 9, scale);
        var y = new float[tokens * yStride];
        var panel = new float[MatrixMatrix.PanelLength(padded, tokens)];
        panel.AsSpan().Fill(float.NaN);
        WeightMatrix w = sample.Pack(out NativeBuffer? owner);
        using (owner)
        {
            int middle = rows / 2;
            MatrixMatrix.Pack<T>(padded, ref x[0], padded, tokens, panel);
            foreach ((int from, int to) in new[] { (0, middle), (middle, rows) })
            {
                MatrixMatrix.MultiplyTiled<T>(wide, in w, from, to, padded, tokens, ref y[0], yStride, panel);
            }
        }

        for (int t = 0; t < tokens; t++)
        {
            float[] expected = MultiplyVector(sample, x.AsSpan(t * padded, padded).ToArray(), 0, rows);
            Reference.Bits(y.AsSpan(t * yStride, rows)).ShouldBe(Reference.Bits(expected), $"{rows} x {width}, token {t} of {tokens}");
            y.AsSpan((t * yStride) + rows, 3).ToArray().ShouldBe([0, 0, 0]);
        }
    }
}
