using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <content>The down matrix and its product.</content>
public abstract partial class WeightFormatTests<T>
{
    private static IEnumerable<(int Hidden, int Neurons)> DownShapes =>
        from hidden in new[] { 1, 31, 32, 33, 100, 160, 256 }
        from neurons in new[] { 1, 5, 32, 33, 64, 160, 288 }.Select(Fit).Distinct()
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
                        {
                            row[j].ShouldBe(j < hidden ? sample[j, i] : 0, $"{hidden} x {neurons}, neuron {i}, column {j}");
                        }
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
                float expected = BlockReference.For<T>()?.Down(h, sample.Bytes.Slice(j * sample.RowBytes, sample.RowBytes), T.BlockElements, T.BlockBytes)
                    ?? Reference.PlainDown(h, sample.Values.AsSpan(j * neurons, neurons));
                Reference.Bits([y[j]]).ShouldBe(Reference.Bits([expected]), $"{hidden} x {neurons}, column {j}");
            }

            y.AsSpan(hidden).ToArray().ShouldAllBe(pad => pad == 0);
        }
    }

    [Fact]
    public void The_down_product_is_what_double_precision_says_to_the_activations_rounding()
    {
        int neurons = Fit(288);
        using var sample = new Sample<T>(100, neurons);
        float[] h = Activations(neurons, 1);
        float[] y = Accumulate(sample, h, 128);
        double rounding = BlockReference.For<T>()?.InputRounding ?? 1e-6;
        for (int j = 0; j < 100; j++)
        {
            (double sum, double magnitude) = Reference.DoubleDot(h, sample.Values.AsSpan(j * neurons, neurons));
            ((double)y[j]).ShouldBe(sum, (magnitude * rounding) + 1e-30);
        }
    }

    [Fact]
    public void Neurons_divided_between_calls_at_a_block_give_the_same_bits()
    {
        int neurons = Fit(96);
        using var sample = new Sample<T>(200, neurons);
        float[] h = Activations(neurons, 1);
        int[] all = Enumerable.Range(0, neurons).ToArray();
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, 200, neurons, 1, out NativeBuffer owner);
        using (owner)
        {
            var y = new float[down.PaddedColumns];
            OrderedDown.Accumulate<T>(in down, all.AsSpan(0, 32), h.AsSpan(0, 32), ref y[0], 0, down.PaddedColumns);
            OrderedDown.Accumulate<T>(in down, all.AsSpan(32), h.AsSpan(32), ref y[0], 0, down.PaddedColumns);
            Reference.Bits(y).ShouldBe(Reference.Bits(Accumulate(sample, h, 0)));
        }
    }

    [Fact]
    public void Neurons_without_an_activation_are_not_added()
    {
        int neurons = Fit(96);
        using var sample = new Sample<T>(200, neurons);
        float[] h = Activations(neurons, 1);
        int[] all = Enumerable.Range(0, neurons).ToArray();
        foreach (int count in new[] { 0, 1, 4, 30, 32, 61 })
        {
            int[] expected = Reference.Bits(Accumulate(sample, all[..count], h[..count], 224));
            Reference.Bits(Accumulate(sample, all, h[..count], 224)).ShouldBe(expected, $"{count} of {neurons}");
        }
    }

    [Fact]
    public void Columns_split_anywhere_give_the_same_bits()
    {
        using var sample = new Sample<T>(250, Fit(96));
        float[] h = Activations(sample.Columns, 1);
        int[] whole = Reference.Bits(Accumulate(sample, h, 256));
        foreach (int split in new[] { 32, 64, 96, 224 })
        {
            Reference.Bits(Accumulate(sample, h, split)).ShouldBe(whole);
        }
    }

    [Fact]
    public void Leaving_out_neurons_that_are_zero_changes_no_bit()
    {
        using var sample = new Sample<T>(100, Fit(288));
        float[] h = Activations(sample.Columns, 1);
        h.Count(value => value == 0).ShouldBeGreaterThan(100);
        int[] all = Enumerable.Range(0, h.Length).ToArray();
        int[] active = all.Where(i => h[i] != 0).ToArray();
        int[] sparse = Reference.Bits(Accumulate(sample, active, active.Select(i => h[i]).ToArray(), 128));
        sparse.ShouldBe(Reference.Bits(Accumulate(sample, all, h, 128)));
    }

    [Fact]
    public void Slices_are_summed_alone_and_added_in_order_whatever_the_number_of_workers()
    {
        foreach ((int fewest, int count) in new[] { (288, 1), (288, 2), (288, 4), (288, 9), (160, 3), (32, 3) })
        {
            int neurons = Fit(fewest);
            using var sample = new Sample<T>(100, neurons);
            var slices = new NeuronSlices(neurons, count);
            float[] h = Activations(neurons, 1);
            int[] all = Enumerable.Range(0, neurons).ToArray();
            var expected = new float[128];
            for (int slice = 0; slice < count; slice++)
            {
                Range part = slices.First(slice)..slices.First(slice + 1);
                float[] partial = Accumulate(sample, all[part], h[part], 128);
                for (int j = 0; j < 128; j++)
                {
                    expected[j] = slice == 0 ? partial[j] : expected[j] + partial[j];
                }
            }

            int[] active = all.Where(i => h[i] != 0).ToArray();
            foreach (int workers in new[] { 1, 2, 3, 5 })
            {
                string what = $"{neurons} neurons in {count} slices, {workers} workers";
                Reference.Bits(AccumulateSlices(sample, all, h, slices, workers)).ShouldBe(Reference.Bits(expected), what);
                Reference.Bits(AccumulateSlices(sample, active, h, slices, workers)).ShouldBe(Reference.Bits(expected), what);
            }
        }
    }

    /// <summary>Rows so wide that a slice is several blocks of neurons, in any format; one token needs no neuron, one all.</summary>
    [Fact]
    public void Several_tokens_together_have_the_sums_that_each_has_alone()
    {
        const int Hidden = 8192, Tokens = 5;
        int neurons = Fit(288);
        using var sample = new Sample<T>(Hidden, neurons);
        var slices = new NeuronSlices(neurons, 2);
        float[][] h = [.. Enumerable.Range(0, Tokens).Select(token => Activations(neurons, 1, seed: 30 + token))];
        int[][] active = [.. h.Select((values, token) => Enumerable.Range(0, neurons).Where(i => token == 1 || (token > 0 && values[i] != 0)).ToArray())];
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, Hidden, neurons, 1, out NativeBuffer owner);
        using (owner)
        {
            foreach (int workers in new[] { 1, 3 })
            {
                using var together = new FeedForwardScratch(workers, down.PaddedColumns, slices, sideWords: 0, Tokens);
                using var alone = new FeedForwardScratch(workers, down.PaddedColumns, slices, sideWords: 0);
                for (int worker = 0; worker < workers; worker++)
                {
                    for (int token = 0; token < Tokens; token++)
                    {
                        List(together, together[worker, token], worker, active[token], h[token]);
                    }

                    OrderedDown.AccumulateSlices<T>(in down, together, worker, Tokens);
                }

                for (int token = 0; token < Tokens; token++)
                {
                    for (int worker = 0; worker < workers; worker++)
                    {
                        List(alone, alone[worker], worker, active[token], h[token]);
                        OrderedDown.AccumulateSlices<T>(in down, alone, worker);
                    }

                    float[] expected = new float[Hidden], sums = new float[Hidden];
                    OrderedDown.SumSlices(alone, ref expected[0], 0, Hidden);
                    OrderedDown.SumSlices(together, ref sums[0], 0, Hidden, token);
                    Reference.Bits(sums).ShouldBe(Reference.Bits(expected), $"token {token}, {workers} workers");
                    sums.All(sum => sum == 0).ShouldBe(token == 0);
                }
            }
        }
    }

    /// <summary>Puts a worker's share of the active neurons on its list.</summary>
    private static void List(FeedForwardScratch scratch, FeedForwardSlot slot, int worker, int[] active, ReadOnlySpan<float> h)
    {
        (int from, int to) = scratch.Neurons(worker);
        slot.Count = 0;
        foreach (int neuron in active.Where(i => i >= from && i < to))
        {
            Unsafe.Add(ref slot.Active, slot.Count) = neuron;
            Unsafe.Add(ref slot.Values, slot.Count) = h[neuron];
            slot.Count++;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_batch_form_has_the_bits_of_one_token_at_a_time(bool wide)
    {
        foreach ((int hidden, int neurons) in DownShapes)
        {
            foreach (int tokens in new[] { 1, 2, 3, 4, 5, 6, 7, 13 })
            {
                ExpectBatchEqualsTokens(wide, hidden, neurons, slices: (neurons + 63) / 64, tokens, scale: 1);
            }
        }

        ExpectBatchEqualsTokens(wide, hidden: 100, neurons: Fit(96), slices: 2, tokens: 7, scale: 1e9f);
        ExpectBatchEqualsTokens(wide, hidden: 100, neurons: Fit(160), slices: 1, tokens: 135, scale: 1);
        ExpectBatchEqualsTokens(wide, hidden: 600, neurons: Fit(288), slices: 2, tokens: 4, scale: 1);
        ExpectBatchEqualsTokens(wide, hidden: 1500, neurons: Fit(64), slices: 2, tokens: 70, scale: 1);
    }

    private static void ExpectBatchEqualsTokens(bool wide, int hidden, int neurons, int slices, int tokens, float scale)
    {
        using var sample = new Sample<T>(hidden, neurons);
        int padded = Padding.Pad(hidden);
        int hStride = neurons + 1;
        int yStride = padded + 2;
        var h = new float[tokens * hStride];
        for (int t = 0; t < tokens; t++)
        {
            Activations(neurons, scale, seed: 20 + t).CopyTo(h, t * hStride);
        }

        var y = new float[tokens * yStride];
        y.AsSpan().Fill(5);
        var divided = new NeuronSlices(neurons, slices);
        var panel = new float[OrderedDown.PanelLength];
        panel.AsSpan().Fill(float.NaN);
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, hidden, neurons, 1, out NativeBuffer owner);
        using (owner)
        {
            OrderedDown.MultiplyTiled<T>(wide, in down, divided, ref h[0], hStride, tokens, ref y[0], yStride, 0, padded, panel);
        }

        for (int t = 0; t < tokens; t++)
        {
            int[] all = Enumerable.Range(0, neurons).ToArray();
            float[] expected = AccumulateSlices(sample, all, h.AsSpan(t * hStride, neurons), divided, workers: 1);
            int[] bits = Reference.Bits(y.AsSpan(t * yStride, padded));
            bits.ShouldBe(Reference.Bits(expected), $"{hidden} x {neurons} in {slices} slices, token {t} of {tokens}");
            y.AsSpan((t * yStride) + padded, 2).ToArray().ShouldBe([5, 5]);
        }
    }

    /// <summary>Half of them zero, as a ReLU leaves them.</summary>
    private static float[] Activations(int neurons, float scale, int seed = 10)
    {
        float[] h = Reference.RandomVector(neurons, seed, scale);
        for (int i = 0; i < neurons; i++)
        {
            h[i] = MathF.Max(0, h[i]);
        }

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

    /// <summary>One token's product as a layer computes it, with the work of all workers done one after the other.</summary>
    /// <param name="sample">The matrix.</param>
    /// <param name="active">The neurons on the workers' lists.</param>
    /// <param name="h">The activations of all neurons.</param>
    /// <param name="slices">How they are divided.</param>
    /// <param name="workers">Number of workers.</param>
    private static float[] AccumulateSlices(
        Sample<T> sample, int[] active, ReadOnlySpan<float> h, NeuronSlices slices, int workers)
    {
        DownMatrix down = WeightPacking.PackDown<T>(sample.Address, sample.Rows, sample.Columns, 1, out NativeBuffer owner);
        using (owner)
        {
            using var scratch = new FeedForwardScratch(workers, down.PaddedColumns, slices, sideWords: 0);
            for (int worker = 0; worker < workers; worker++)
            {
                List(scratch, scratch[worker], worker, active, h);
                OrderedDown.AccumulateSlices<T>(in down, scratch, worker);
            }

            var y = new float[down.PaddedColumns];
            OrderedDown.SumSlices(scratch, ref y[0], 0, 32);
            OrderedDown.SumSlices(scratch, ref y[0], 32, y.Length);
            return y;
        }
    }

    private static float[] Widen(in DownMatrix down, int neuron)
    {
        var row = new float[down.PaddedColumns];
        Vector512<float> unfold = Vector512.Create(T.DownUnfold);
        for (int column = 0; column < row.Length; column += 32)
        {
            T.LoadDown32(
                ref down.Scales(neuron),
                ref down.Neuron(neuron),
                neuron % Math.Max(32, T.BlockElements),
                row.Length,
                (nuint)column,
                out Vector512<float> lo,
                out Vector512<float> hi);
            (lo * unfold).CopyTo(row, column);
            (hi * unfold).CopyTo(row, column + 16);
        }

        return row;
    }
}
