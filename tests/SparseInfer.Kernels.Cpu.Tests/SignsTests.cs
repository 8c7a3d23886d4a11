using System.Numerics;
using System.Runtime.CompilerServices;
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
        {
            w[i] = MathF.CopySign(w[i], i % 2 == 0 ? x[i] : -x[i]);
        }

        Disagreements(x, w, width).ShouldBe(width / 2);
    }

    /// <summary>Widths on both sides of every step: words, vectors, and the steps after which counts in bytes are widened.</summary>
    public static TheoryData<int> PlaneWidths =>
        new(1, 63, 64, 65, 255, 256, 257, 511, 512, 544, 768, 1000, 1536, 3584, 4096, 7936, 8192, 15872, 16000, 16384, 32064);

    [Theory]
    [MemberData(nameof(PlaneWidths))]
    public void Rows_are_listed_that_disagree_in_so_many_places_or_fewer(int width)
    {
        const int Rows = 11;
        var random = new Random(width);
        ulong[] signs = RandomSigns(width, random);
        SignPlane plane = RandomPlane(Rows, width, random, out NativeBuffer owner);
        SignPlane other = RandomPlane(Rows, width, random, out NativeBuffer otherOwner);
        using (owner)
        using (otherOwner)
        {
            // Rows 4 and 7 are the extremes: no sign of theirs disagrees, and every one.
            for (int k = 0; k < signs.Length; k++)
            {
                Unsafe.Add(ref plane.Row(4), k) = signs[k];
                Unsafe.Add(ref plane.Row(7), k) = ~signs[k] & LastWordMask(width, k);
            }

            int[] counts = [.. Enumerable.Range(0, Rows).Select(row => NaiveCount(signs, plane, row))];
            int[] larger = [.. Enumerable.Range(0, Rows).Select(row => Math.Max(counts[row], NaiveCount(signs, other, row)))];
            counts[4].ShouldBe(0);
            counts[7].ShouldBe(width);
            foreach (int most in counts.Concat(larger).SelectMany(count => new[] { count - 1, count, count + 1 }).Distinct())
            {
                foreach ((int from, int to) in new[] { (0, Rows), (3, 9), (5, 5) })
                {
                    int[] rows = [.. Enumerable.Range(from, to - from)];
                    var list = new int[Rows + 1];
                    int listed = plane.Agreeing(in signs[0], from, to, most, ref list[0]);
                    list[..listed].ShouldBe(rows.Where(row => counts[row] <= most));
                    listed = plane.Agreeing(in other, in signs[0], from, to, most, ref list[0]);
                    list[..listed].ShouldBe(rows.Where(row => larger[row] <= most));
                    list[^1].ShouldBe(0);
                }
            }
        }
    }

    [Fact]
    public void A_plane_has_the_same_bytes_as_little_endian_words_of_32_signs()
    {
        float[] x = WithZerosOfBothSigns(100, seed: 4);
        var words = new ulong[Signs.WordsPerRow(100)];
        Signs.Pack(in x[0], ref words[0], 100);
        ReadOnlySpan<uint> halves = MemoryMarshal.Cast<ulong, uint>(words);
        for (int i = 0; i < 128; i++)
        {
            (((halves[i / 32] >> (i % 32)) & 1) != 0).ShouldBe(i < 100 && float.IsNegative(x[i]));
        }
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
            {
                return true;
            }

            float[] x = Padded(values);
            float[] w = Padded(values.Select((_, i) => values[(int)(((uint)shift + (uint)i * 7) % (uint)values.Length)]).ToArray());
            int naive = 0;
            for (int i = 0; i < values.Length; i++)
            {
                naive += float.IsNegative(x[i]) != float.IsNegative(w[i]) ? 1 : 0;
            }

            return Disagreements(x, w, values.Length) == naive;
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(400), property);
    }

    private static SignPlane RandomPlane(int rows, int width, Random random, out NativeBuffer owner)
    {
        SignPlane plane = SignPlane.Allocate(rows, width, out owner);
        for (int row = 0; row < rows; row++)
        {
            RandomSigns(width, random).CopyTo(MemoryMarshal.CreateSpan(ref plane.Row(row), plane.WordsPerRow));
        }

        return plane;
    }

    private static ulong[] RandomSigns(int width, Random random)
    {
        var words = new ulong[Signs.WordsPerRow(width)];
        random.NextBytes(MemoryMarshal.AsBytes(words.AsSpan()));
        words[^1] &= LastWordMask(width, words.Length - 1);
        return words;
    }

    private static ulong LastWordMask(int width, int word) => (word + 1) * 64 <= width ? ulong.MaxValue : (1UL << (width % 64)) - 1;

    private static int NaiveCount(ulong[] signs, SignPlane plane, int row)
    {
        int count = 0;
        for (int i = 0; i < plane.Columns; i++)
        {
            count += (int)(((signs[i / 64] ^ Unsafe.Add(ref plane.Row(row), i / 64)) >> (i % 64)) & 1);
        }

        return count;
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
        {
            count += BitOperations.PopCount(xWords[i] ^ wWords[i]);
        }

        return count;
    }

    private static float[] WithZerosOfBothSigns(int width, int seed)
    {
        float[] values = Reference.RandomVector(width, seed);
        for (int i = 0; i < width; i += 5)
        {
            values[i] = i % 2 == 0 ? 0f : -0f;
        }

        return Padded(values);
    }

    private static float[] Padded(float[] values)
    {
        var padded = new float[Padding.Pad(values.Length)];
        values.CopyTo(padded, 0);
        return padded;
    }
}
