using System.Numerics;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;

namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class SignsTests
{
    public static TheoryData<int> Widths => new(1, 31, 32, 33, 63, 64, 100, 256, 768, 1536, 3584, 4096);

    [Theory]
    [MemberData(nameof(Widths))]
    public void Signs_are_packed_lowest_bit_first_and_bits_past_the_width_are_zero(int width)
    {
        float[] x = WithZerosOfBothSigns(width, seed: 1);
        // What lies in the pad must not reach the words: kernels before this one may have left negative numbers there.
        x.AsSpan(width).Fill(-1);
        var words = new ulong[Signs.WordsPerRow(width) + 1];
        words.AsSpan().Fill(0xABCD);
        Signs.Pack(in x[0], ref words[0], width);
        words[..^1].ShouldBe(Reference.SignWords(x.AsSpan(0, width)));
        words[^1].ShouldBe(0xABCDUL);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Counted_disagreements_are_those_of_a_naive_count_ties_included(int width)
    {
        float[] x = WithZerosOfBothSigns(width, seed: 2);
        float[] w = WithZerosOfBothSigns(width, seed: 3);
        // Half of the signs agree and half do not, as nearly as the width allows: the predictor's tie at alpha 1.
        for (int i = 0; i < width; i++)
            w[i] = MathF.CopySign(w[i], i % 2 == 0 ? x[i] : -x[i]);
        Disagreements(x, w, width).ShouldBe(width / 2);
    }

    [Fact]
    public void A_plane_has_the_same_bytes_as_little_endian_words_of_32_signs()
    {
        float[] x = WithZerosOfBothSigns(100, seed: 4);
        var words = new ulong[Signs.WordsPerRow(100)];
        Signs.Pack(in x[0], ref words[0], 100);
        ReadOnlySpan<uint> halves = MemoryMarshal.Cast<ulong, uint>(words);
        for (int i = 0; i < 128; i++)
            (((halves[i / 32] >> (i % 32)) & 1) != 0).ShouldBe(i < 100 && float.IsNegative(x[i]));
    }

    [Fact]
    public void A_zero_quant_takes_the_sign_of_its_scale_as_the_product_does()
    {
        foreach (float scale in new[] { 0.5f, -0.5f })
        {
            var eight = new byte[34];
            MemoryMarshal.Write(eight, (Half)scale);
            eight[2 + 5] = 0xFF;
            RowSigns<Q8_0>(eight).ShouldBe(scale < 0 ? 0xFFFFFFFFUL & ~(1UL << 5) : 1UL << 5);

            var four = new byte[18];
            MemoryMarshal.Write(four, (Half)scale);
            four.AsSpan(2).Fill(0x88);
            four[2 + 5] = 0x87;
            RowSigns<Q4_0>(four).ShouldBe(scale < 0 ? 0xFFFFFFFFUL & ~(1UL << 5) : 1UL << 5);
        }
    }

    [Fact]
    public void A_matrix_of_another_shape_or_a_range_outside_is_refused()
    {
        using var sample = new Sample<F32>(4, 32);
        WeightMatrix w = sample.Pack(out _);
        SignPlane plane = SignPlane.Allocate(4, 33, out NativeBuffer owner);
        SignPlane fitting = SignPlane.Allocate(4, 32, out NativeBuffer fittingOwner);
        using (owner)
        using (fittingOwner)
        {
            Should.Throw<ArgumentException>(() => plane.Pack<F32>(in w, 0, 4));
            Should.Throw<ArgumentOutOfRangeException>(() => fitting.Pack<F32>(in w, 0, 5));
            Should.Throw<ArgumentOutOfRangeException>(() => fitting.Pack<F32>(in w, -1, 4));
        }
    }

    [Fact]
    public void Any_vectors_disagree_as_often_as_a_naive_count_says()
    {
        Property property = Prop.ForAll<float[], int>((values, shift) =>
        {
            if (values.Length == 0)
                return true;
            float[] x = Padded(values);
            float[] w = Padded(values.Select((_, i) => values[(int)(((uint)shift + (uint)i * 7) % (uint)values.Length)]).ToArray());
            int naive = 0;
            for (int i = 0; i < values.Length; i++)
                naive += float.IsNegative(x[i]) != float.IsNegative(w[i]) ? 1 : 0;
            return Disagreements(x, w, values.Length) == naive;
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(400), property);
    }

    private static ulong RowSigns<T>(byte[] row)
        where T : IWeightFormat
    {
        ulong word = 0;
        Signs.Pack<T>(ref row[0], ref word, 32);
        return word;
    }

    private static int Disagreements(float[] x, float[] w, int width)
    {
        var xWords = new ulong[Signs.WordsPerRow(width)];
        var wWords = new ulong[xWords.Length];
        Signs.Pack(in x[0], ref xWords[0], width);
        Signs.Pack(in w[0], ref wWords[0], width);
        int count = 0;
        for (int i = 0; i < xWords.Length; i++)
            count += BitOperations.PopCount(xWords[i] ^ wWords[i]);
        return count;
    }

    private static float[] WithZerosOfBothSigns(int width, int seed)
    {
        float[] values = Reference.RandomVector(width, seed);
        for (int i = 0; i < width; i += 5)
            values[i] = i % 2 == 0 ? 0f : -0f;
        return Padded(values);
    }

    private static float[] Padded(float[] values)
    {
        var padded = new float[Padding.Pad(values.Length)];
        values.CopyTo(padded, 0);
        return padded;
    }
}
