using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class VotesTests
{
    private const int OutlierWeight = 6013;
    private const float Sigmas = 2.5f;

    /// <summary>Widths on both sides of every step: words, vectors, and the steps after which counts in bytes are widened.</summary>
    public static TheoryData<int> Widths => new(1, 2, 63, 64, 65, 255, 256, 257, 511, 512, 544, 1000, 4096, 7936, 8192, 15872, 16000, 32064);

    [Theory]
    [MemberData(nameof(Widths))]
    public void Magnitudes_are_those_of_naive_mean_and_deviation(int width)
    {
        float[] x = Values(width, seed: 1);
        x.AsSpan(width).Fill(-1e9f); // what lies in the pad must reach neither mean nor words
        int row = Signs.WordsPerRow(width);
        var words = new ulong[(3 * row) + 1];
        words.AsSpan().Fill(0xABCD);
        Votes.Pack(in x[0], ref words[0], width, Sigmas);

        words.AsSpan(0, row).ToArray().ShouldBe(Reference.SignWords(x.AsSpan(0, width)));
        words.AsSpan(row, row).ToArray().ShouldBe(Beyond(x.AsSpan(0, width), 0.6745));
        words.AsSpan(2 * row, row).ToArray().ShouldBe(Beyond(x.AsSpan(0, width), Sigmas));
        words[^1].ShouldBe(0xABCDUL);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Rows_are_listed_by_their_votes(int width)
    {
        const int Rows = 9;
        float[] x = Values(width, seed: 2);
        ulong[] input = new ulong[3 * Signs.WordsPerRow(width)];
        Votes.Pack(in x[0], ref input[0], width, Sigmas);
        using var memory = new NativeMemoryPool();
        SignPlane[] planes = [.. Enumerable.Range(3, 4).Select(seed => RandomPlane(Rows, width, seed, memory))];
        long[] votes = [.. Enumerable.Range(0, Rows).Select(row => NaiveVotes(input, planes[0], planes[1], row))];
        long[] others = [.. Enumerable.Range(0, Rows).Select(row => NaiveVotes(input, planes[2], planes[3], row))];
        int[] list = new int[Rows + 1];
        foreach (long bound in votes.Concat(others).SelectMany(vote => new[] { vote - 1, vote, vote + 1 }).Distinct())
        {
            int count = planes[0].Voting(in planes[1], in input[0], 0, Rows, OutlierWeight, long.MinValue, bound, ref list[0]);
            list[..count].ShouldBe(Enumerable.Range(0, Rows).Where(row => votes[row] > bound));
            count = planes[0].Voting(in planes[1], in input[0], 2, Rows - 1, OutlierWeight, -Math.Abs(bound), Math.Abs(bound), ref list[0]);
            list[..count].ShouldBe(Enumerable.Range(2, Rows - 3).Where(row => Math.Abs(votes[row]) > Math.Abs(bound)));
            count = planes[0].Voting(in planes[1], in planes[2], in planes[3], in input[0], 1, Rows, OutlierWeight, long.MinValue, bound, ref list[0]);
            list[..count].ShouldBe(Enumerable.Range(1, Rows - 1).Where(row => votes[row] > bound && others[row] > bound));
            list[^1].ShouldBe(0);
        }
    }

    [Fact]
    public void Magnitudes_of_weights_are_those_of_what_the_type_stores()
    {
        Check<F32>();
        Check<F16>();
        Check<BF16>();
        Check<Q8_0>();
        Check<Q4_0>();

        static void Check<T>()
            where T : unmanaged, IWeightFormat, IWeightArithmetic
        {
            using var sample = new Sample<T>(3, 96);
            WeightMatrix w = sample.Pack(out NativeBuffer? owner);
            using var memory = new NativeMemoryPool();
            memory.Own(owner);
            SignPlane plane = SignPlane.PackMagnitudes<T>(in w, memory);
            for (int row = 0; row < 3; row++)
            {
                float[] values = new float[96];
                EmbeddingRow.Widen<T>(in w, row, ref values[0], 96);
                MemoryMarshal.CreateSpan(ref plane.Row(row), plane.WordsPerRow).ToArray().ShouldBe(Beyond(values, 0.6745), typeof(T).Name);
            }
        }
    }

    private static ulong[] Beyond(ReadOnlySpan<float> values, double sigmas)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += value;
        }

        double mean = sum / values.Length;
        double squares = 0;
        foreach (float value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        double distance = sigmas * Math.Sqrt(squares / (values.Length - 1));
        ulong[] words = new ulong[(values.Length + 63) / 64];
        for (int j = 0; j < values.Length; j++)
        {
            words[j / 64] |= values[j] < mean - distance || values[j] > mean + distance ? 1UL << (j % 64) : 0;
        }

        return words;
    }

    private static long NaiveVotes(ulong[] input, SignPlane signs, SignPlane magnitudes, int row)
    {
        int words = signs.WordsPerRow;
        long votes = 0;
        for (int j = 0; j < signs.Columns; j++)
        {
            bool Bit(ref ulong first) => ((System.Runtime.CompilerServices.Unsafe.Add(ref first, j / 64) >> (j % 64)) & 1) != 0;
            bool large = Bit(ref input[words]);
            bool rowLarge = Bit(ref magnitudes.Row(row));
            int weight = (large && rowLarge ? 1530 : large || rowLarge ? 392 : 100) + (Bit(ref input[2 * words]) ? OutlierWeight : 0);
            votes += Bit(ref input[0]) == Bit(ref signs.Row(row)) ? weight : -weight;
        }

        return votes;
    }

    private static SignPlane RandomPlane(int rows, int width, int seed, NativeMemoryPool memory)
    {
        SignPlane plane = SignPlane.Allocate(rows, width, out NativeBuffer owner);
        memory.Own(owner);
        for (int row = 0; row < rows; row++)
        {
            float[] values = Values(width, (100 * seed) + row);
            Signs.Pack(in values[0], ref plane.Row(row), width);
        }

        return plane;
    }

    /// <summary>Normally distributed around 0.1, padded; every 50th is far away.</summary>
    private static float[] Values(int width, int seed)
    {
        var random = new Random(seed);
        float[] values = new float[Padding.Pad(width)];
        for (int j = 0; j < width; j++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            values[j] = (float)(0.1 + (normal * (j % 50 == 7 ? 8 : 1)));
        }

        return values;
    }
}
