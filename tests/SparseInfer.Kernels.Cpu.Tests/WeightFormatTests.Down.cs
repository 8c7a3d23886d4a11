using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <content>The down matrix and its product.</content>
public abstract partial class WeightFormatTests<T>
{
    private static IEnumerable<(int Hidden, int Neurons)> DownShapes =>
        from hidden in new[] { 1, 31, 32, 33, 100, 160, 256 }
        from neurons in new[] { 1, 5, 32, 33, 64, 160, 288 }
        where neurons % T.BlockElements == 0
        select (hidden, neurons);

    [Fact]
    public void The_down_matrix_keeps_every_bit_of_every_weight_whatever_the_number_of_threads()
    {
        foreach ((int hidden, int neurons) in DownShapes)
        {
            using var sample = new Sample<T>(hidden, neurons);
            foreach (int threads in new[] { 1, 3 })
            {
                DownMatrix down = WeightPacking.PackDown<T>(sample.Address, hidden, neurons, threads, out NativeBuffer owner);
                using (owner)
                {
                    (down.Neurons, down.Columns, down.PaddedColumns).ShouldBe((neurons, hidden, Padding.Pad(hidden)));
                    for (int i = 0; i < neurons; i++)
                    {
                        float[] row = Widen(in down, i);
                        for (int j = 0; j < down.PaddedColumns; j++)
                            row[j].ShouldBe(j < hidden ? sample[j, i] : 0, $"{hidden} x {neurons}, neuron {i}, column {j}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(32768f)]
    [InlineData(1e9f)]
    public void The_down_product_adds_neurons_or_blocks_of_them_in_ascending_order_by_fused_multiply_add(float scale)
    {
        foreach ((int hidden, int neurons) in DownShapes)
        {
            using var sample = new Sample<T>(hidden, neurons);
            float[] h = Activations(neurons, scale);
            float[] y = Accumulate(sample, h, Padding.Pad(hidden));
            for (int j = 0; j < hidden; j++)
            {
                float expected = T.QuantizesInput
                    ? Reference.BlockDown(h, sample.Bytes.Slice(j * sample.RowBytes, sample.RowBytes), T.BlockBytes)
                    : Reference.PlainDown(h, sample.Values.AsSpan(j * neurons, neurons));
                Reference.Bits([y[j]]).ShouldBe(Reference.Bits([expected]), $"{hidden} x {neurons}, column {j}");
            }
            y.AsSpan(hidden).ToArray().ShouldAllBe(pad => pad == 0);
        }
    }

    [Fact]
    public void The_down_product_is_what_double_precision_says_to_the_activations_rounding()
    {
        using var sample = new Sample<T>(100, 288);
        float[] h = Activations(288, 1);
        float[] y = Accumulate(sample, h, 128);
        double rounding = typeof(T) == typeof(Q4_0) ? 0.01 : typeof(T) == typeof(Q8_0) ? 4e-5 : 1e-6;
        for (int j = 0; j < 100; j++)
        {
            (double sum, double magnitude) = Reference.DoubleDot(h, sample.Values.AsSpan(j * 288, 288));
            ((double)y[j]).ShouldBe(sum, (magnitude * rounding) + 1e-30);
        }
    }

    [Fact]
    public void Neurons_divided_between_calls_at_a_block_give_the_same_bits()
    {
        using var sample = new Sample<T>(200, 96);
        float[] h = Activations(96, 1);
        int[] all = Enumerable.Range(0, 96).ToArray();
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, 200, 96, 1, out NativeBuffer owner);
        using (owner)
        {
            var y = new float[down.PaddedColumns];
            OrderedDown.Accumulate<T>(in down, all.AsSpan(0, 32), h.AsSpan(0, 32), ref y[0], 0, down.PaddedColumns);
            OrderedDown.Accumulate<T>(in down, all.AsSpan(32), h.AsSpan(32), ref y[0], 0, down.PaddedColumns);
            Reference.Bits(y).ShouldBe(Reference.Bits(Accumulate(sample, h, 0)));
        }
    }

    [Fact]
    public void Columns_split_anywhere_give_the_same_bits()
    {
        using var sample = new Sample<T>(250, 96);
        float[] h = Activations(96, 1);
        int[] whole = Reference.Bits(Accumulate(sample, h, 256));
        foreach (int split in new[] { 32, 64, 96, 224 })
            Reference.Bits(Accumulate(sample, h, split)).ShouldBe(whole);
    }

    [Fact]
    public void Leaving_out_neurons_that_are_zero_changes_no_bit()
    {
        using var sample = new Sample<T>(100, 288);
        float[] h = Activations(288, 1);
        h.Count(value => value == 0).ShouldBeGreaterThan(100);
        int[] all = Enumerable.Range(0, 288).ToArray();
        int[] active = all.Where(i => h[i] != 0).ToArray();
        int[] sparse = Reference.Bits(Accumulate(sample, active, active.Select(i => h[i]).ToArray(), 128));
        sparse.ShouldBe(Reference.Bits(Accumulate(sample, all, h, 128)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_batch_form_has_the_bits_of_one_token_at_a_time(bool wide)
    {
        foreach ((int hidden, int neurons) in DownShapes)
        {
            foreach (int tokens in new[] { 1, 2, 5, 6, 7, 13 })
                ExpectBatchEqualsTokens(wide, hidden, neurons, tokens, scale: 1);
        }
        ExpectBatchEqualsTokens(wide, hidden: 100, neurons: 96, tokens: 7, scale: 1e9f);
        ExpectBatchEqualsTokens(wide, hidden: 100, neurons: 160, tokens: 135, scale: 1);
        ExpectBatchEqualsTokens(wide, hidden: 600, neurons: 288, tokens: 4, scale: 1);
    }

    private static void ExpectBatchEqualsTokens(bool wide, int hidden, int neurons, int tokens, float scale)
    {
        using var sample = new Sample<T>(hidden, neurons);
        int padded = Padding.Pad(hidden);
        int hStride = neurons + 1;
        int yStride = padded + 2;
        var h = new float[tokens * hStride];
        for (int t = 0; t < tokens; t++)
            Activations(neurons, scale, seed: 20 + t).CopyTo(h, t * hStride);
        var y = new float[tokens * yStride];
        y.AsSpan().Fill(5);
        var panel = new float[OrderedDown.PanelLength];
        panel.AsSpan().Fill(float.NaN);
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, hidden, neurons, 1, out NativeBuffer owner);
        using (owner)
        {
            OrderedDown.MultiplyTiled<T>(wide, in down, neurons, ref h[0], hStride, tokens, ref y[0], yStride, 0, padded, panel);
        }
        for (int t = 0; t < tokens; t++)
        {
            float[] expected = Accumulate(sample, h.AsSpan(t * hStride, neurons).ToArray(), padded);
            int[] bits = Reference.Bits(y.AsSpan(t * yStride, padded));
            bits.ShouldBe(Reference.Bits(expected), $"{hidden} x {neurons}, token {t} of {tokens}");
            y.AsSpan((t * yStride) + padded, 2).ToArray().ShouldBe([5, 5]);
        }
    }

    /// <summary>Half of them zero, as a ReLU leaves them.</summary>
    private static float[] Activations(int neurons, float scale, int seed = 10)
    {
        float[] h = Reference.RandomVector(neurons, seed, scale);
        for (int i = 0; i < neurons; i++)
            h[i] = MathF.Max(0, h[i]);
        h[0] = scale;
        return h;
    }

    private static float[] Accumulate(Sample<T> sample, float[] h, int split) =>
        Accumulate(sample, Enumerable.Range(0, h.Length).ToArray(), h, split);

    private static float[] Accumulate(Sample<T> sample, int[] active, float[] h, int split)
    {
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, sample.Rows, sample.Columns, 1, out NativeBuffer owner);
        using (owner)
        {
            var y = new float[down.PaddedColumns];
            OrderedDown.Accumulate<T>(in down, active, h, ref y[0], 0, split);
            OrderedDown.Accumulate<T>(in down, active, h, ref y[0], split, down.PaddedColumns);
            return y;
        }
    }

    private static float[] Widen(in DownMatrix down, int neuron)
    {
        var row = new float[down.PaddedColumns];
        Vector512<float> unfold = Vector512.Create(T.DownUnfold);
        for (int column = 0; column < row.Length; column += 32)
        {
            T.LoadDown32(ref down.Scales(neuron), ref down.Neuron(neuron), (nuint)column, out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).CopyTo(row, column);
            (hi * unfold).CopyTo(row, column + 16);
        }
        return row;
    }
}
