using System.Runtime.CompilerServices;
namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class LayerTests
{
    public static TheoryData<int> Widths => new(1, 31, 32, 33, 63, 64, 100, 256, 768, 1536);

    [Theory]
    [MemberData(nameof(Widths))]
    public void Rms_norm_is_what_double_precision_says_and_zero_in_the_pad(int width)
    {
        float[] x = Reference.RandomRows(1, width, seed: 1, scale: 3);
        float[] weight = Reference.RandomRows(1, width, seed: 2);
        float[] y = new float[x.Length];
        y.AsSpan().Fill(7);
        RmsNorm.Apply(in x[0], in weight[0], ref y[0], width, x.Length, 1e-5f);
        double scale = 1 / Math.Sqrt((x.Sum(value => (double)value * value) / width) + 1e-5f);
        for (int i = 0; i < x.Length; i++)
        {
            ((double)y[i]).ShouldBe(i < width ? x[i] * scale * weight[i] : 0, 1e-6);
        }

        RmsNorm.Apply(in x[0], in weight[0], ref x[0], width, x.Length, 1e-5f);
        x.ShouldBe(y);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_rms_norm_of_a_head_is_what_double_precision_says_and_touches_no_other(int width)
    {
        float[] weight = Reference.RandomVector(width, seed: 2);
        float[] heads = Reference.RandomVector(width + 16, seed: 1);
        float[] before = [.. heads];
        RmsNorm.ApplyToHead(ref heads[0], in weight[0], width, 1e-5f);
        double scale = 1 / Math.Sqrt((before.Take(width).Sum(value => (double)value * value) / width) + 1e-5f);
        for (int i = 0; i < heads.Length; i++)
        {
            ((double)heads[i]).ShouldBe(i < width ? before[i] * scale * weight[i] : before[i], 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Layer_norm_is_what_double_precision_says_and_zero_in_the_pad(int width)
    {
        float[] x = Reference.RandomRows(1, width, seed: 3);
        for (int i = 0; i < width; i++)
        {
            x[i] += 20;
        }

        float[] weight = Reference.RandomRows(1, width, seed: 4);
        float[] bias = Reference.RandomRows(1, width, seed: 5);
        float[] y = new float[x.Length];
        y.AsSpan().Fill(7);
        LayerNorm.Apply(in x[0], in weight[0], in bias[0], ref y[0], width, x.Length, 1e-5f);
        double mean = x.Sum(value => (double)value) / width;
        double variance = x.Take(width).Sum(value => (value - mean) * (value - mean)) / width;
        for (int i = 0; i < width; i++)
        {
            ((double)y[i]).ShouldBe(((x[i] - mean) / Math.Sqrt(variance + 1e-5f) * weight[i]) + bias[i], 2e-5);
        }

        Reference.Bits(y.AsSpan(width)).ShouldAllBe(bits => bits == 0);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(100)]
    public void Both_pairings_turn_pairs_of_dimensions_by_the_tables_angles(int dimensions)
    {
        var table = new RopeTable(context: 50, dimensions, theta: 10000, scaling: 2);
        foreach (int position in new[] { 0, 1, 49 })
        {
            float[] interleaved = Reference.RandomVector(dimensions + 3, seed: 6);
            float[] original = [.. interleaved];
            float[] split = [.. interleaved];
            Rope.ApplyInterleaved(ref interleaved[0], in table.Cos(position), in table.Sin(position), dimensions);
            Rope.ApplyHalfSplit(ref split[0], in table.Cos(position), in table.Sin(position), dimensions);
            for (int i = 0; i < dimensions / 2; i++)
            {
                double angle = position / 2.0 / Math.Pow(10000, 2.0 * i / dimensions);
                ExpectTurned(interleaved, original, 2 * i, (2 * i) + 1, angle);
                ExpectTurned(split, original, i, i + (dimensions / 2), angle);
            }

            interleaved[dimensions..].ShouldBe(original[dimensions..]);
            split[dimensions..].ShouldBe(original[dimensions..]);
        }
    }

    [Fact]
    public void A_half_split_head_reordered_and_turned_interleaved_has_the_bits_of_one_turned_half_split()
    {
        var table = new RopeTable(context: 10, dimensions: 48, theta: 10000, scaling: 1);
        float[] head = Reference.RandomVector(64, seed: 7);
        int[] sourceRows = WeightPacking.InterleavedFromHalfSplit(rows: 64, headDimension: 64, rotaryDimensions: 48);
        float[] permuted = sourceRows.Select(row => head[row]).ToArray();
        Rope.ApplyHalfSplit(ref head[0], in table.Cos(9), in table.Sin(9), 48);
        Rope.ApplyInterleaved(ref permuted[0], in table.Cos(9), in table.Sin(9), 48);
        Reference.Bits(permuted).ShouldBe(Reference.Bits(sourceRows.Select(row => head[row]).ToArray()));
    }

    [Fact]
    public void Angles_are_right_wherever_they_are_first_asked_for_and_by_however_many_threads()
    {
        var table = new RopeTable(context: 1_000_000, dimensions: 6, theta: 10000, scaling: 1);
        int[] positions = [999_999, 256, 255, 0, 511, 512, 700_001];
        Parallel.For(0, 64, i =>
        {
            int position = positions[i % positions.Length];
            for (int pair = 0; pair < 3; pair++)
            {
                double angle = position * (Math.Pow(10000, -2.0 * pair / 6) / 1);
                Unsafe.Add(ref Unsafe.AsRef(in table.Cos(position)), pair).ShouldBe((float)Math.Cos(angle));
                Unsafe.Add(ref Unsafe.AsRef(in table.Sin(position)), pair).ShouldBe((float)Math.Sin(angle));
            }
        });
    }

    [Fact]
    public void A_rope_table_refuses_what_cannot_be_paired_and_positions_beyond_the_context()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new RopeTable(10, 3, 10000, 1));
        Should.Throw<ArgumentOutOfRangeException>(() => new RopeTable(0, 4, 10000, 1));
        Should.Throw<IndexOutOfRangeException>(() => new RopeTable(10, 4, 10000, 1).Cos(10));
    }

    [Fact]
    public void Adding_touches_its_range_and_nothing_else()
    {
        foreach ((int from, int to) in new[] { (0, 0), (0, 1), (3, 40), (16, 64), (31, 63) })
        {
            float[] x = Reference.RandomVector(64, seed: 11);
            float[] y = Reference.RandomVector(64, seed: 12);
            float[] sum = [.. x];
            Elementwise.Add(ref sum[0], in y[0], from, to);
            for (int i = 0; i < 64; i++)
            {
                sum[i].ShouldBe(i >= from && i < to ? x[i] + y[i] : x[i]);
            }

            float[] scaled = [.. x];
            Elementwise.Scale(ref scaled[0], 12.5f, from, to);
            for (int i = 0; i < 64; i++)
            {
                scaled[i].ShouldBe(i >= from && i < to ? x[i] * 12.5f : x[i]);
            }

            float[] copy = [.. y];
            Elementwise.Copy(in x[0], ref copy[0], from, to);
            for (int i = 0; i < 64; i++)
            {
                copy[i].ShouldBe(i >= from && i < to ? x[i] : y[i]);
            }

            float[] rectified = [.. x];
            Elementwise.Rectify(ref rectified[0], from, to);
            for (int i = 0; i < 64; i++)
            {
                rectified[i].ShouldBe(i >= from && i < to ? Math.Max(0, x[i]) : x[i]);
            }
        }
    }

    [Fact]
    public void Silu_and_gelu_are_what_double_precision_says_and_the_same_alone_and_in_a_row()
    {
        float[] x = [.. Reference.RandomVector(997, seed: 13, scale: 12), 0, -0f, 100, -100, 1e-30f, float.MaxValue, -1e30f];
        float[] silu = [.. x];
        float[] gelu = [.. x];
        Activations.Silu(silu);
        Activations.Gelu(gelu);
        for (int i = 0; i < x.Length; i++)
        {
            double v = x[i];
            double tolerance = Math.Abs(v) < 1e20 ? 2e-6 : 1e24;
            ((double)silu[i]).ShouldBe(v / (1 + Math.Exp(-v)), tolerance);
            double tanh = Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v)));
            ((double)gelu[i]).ShouldBe(0.5 * v * (1 + tanh), tolerance);
            Reference.Bits([Activations.Silu(x[i]), Activations.Gelu(x[i])]).ShouldBe(Reference.Bits([silu[i], gelu[i]]));
        }
    }

    private static void ExpectTurned(float[] turned, float[] original, int first, int second, double angle)
    {
        (double sin, double cos) = Math.SinCos(angle);
        ((double)turned[first]).ShouldBe((original[first] * cos) - (original[second] * sin), 1e-6);
        ((double)turned[second]).ShouldBe((original[first] * sin) + (original[second] * cos), 1e-6);
    }
}
