using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>What is expected of attention whatever keys and values are stored in.</summary>
internal abstract class KeyValueCase
{
    public static KeyValueCase Of(string type) => type switch
    {
        nameof(KeyValueF32) => new KeyValueCase<KeyValueF32>(),
        nameof(KeyValueF16) => new KeyValueCase<KeyValueF16>(),
        _ => new KeyValueCase<KeyValueQ8_0>(),
    };

    public abstract void ShouldAttend(int dimension, int[] positions, float queryScale);

    public abstract void ShouldStandLargeScores();

    public abstract void ShouldKeepNotANumber();
}

internal sealed class KeyValueCase<T> : KeyValueCase
    where T : struct, IKeyValueFormat
{
    public override void ShouldAttend(int dimension, int[] positions, float queryScale)
    {
        float[] q = Reference.RandomVector(dimension, seed: 8, scale: queryScale);
        foreach (int count in positions)
        {
            // Rows end where the arrays do, the padding of the last one included: nothing beyond may be read.
            byte[] keys = Rows(Reference.RandomVector(count * dimension, seed: 9, scale: 2), dimension, out double[] keptKeys);
            byte[] values = Rows(Reference.RandomVector(count * dimension, seed: 10, scale: 2), dimension, out double[] keptValues);
            float scale = 1 / MathF.Sqrt(dimension) / queryScale;
            float[] output = Attend(q, keys, values, count, scale);
            double[] expected = Attention(q, keptKeys, keptValues, count, scale);
            for (int i = 0; i < dimension; i++)
            {
                ((double)output[i]).ShouldBe(expected[i], 3e-6, $"{count} positions, dimension {i}");
            }
        }
    }

    public override void ShouldStandLargeScores()
    {
        byte[] keys = Rows([1000, 999, -1000], 1, out _);
        byte[] values = Rows([3, 5, 7], 1, out double[] kept);
        ((double)Attend([1000], keys, values, 3, 1)[0]).ShouldBe(kept[0]);

        float q = 1, y = 0;
        var scratch = new float[AttentionHead.ScratchLength<T>(3, 1) - 1];
        Should.Throw<ArgumentException>(() => AttentionHead.Apply<T>(ref q, ref keys[0], ref values[0], 3, 1, 1, scratch, ref y));
    }

    public override void ShouldKeepNotANumber()
    {
        const int Dimension = 48;
        float[] q = Reference.RandomVector(Dimension, seed: 1);
        float[] plain = Reference.RandomVector(5 * Dimension, seed: 2);
        foreach (float special in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            float[] marked = [.. plain];
            marked[(2 * Dimension) + 40] = special;
            float value = Attend(q, Rows(plain, Dimension, out _), Rows(marked, Dimension, out _), 5, 1)[40];
            float.IsFinite(value).ShouldBeFalse($"a value {special}");
        }

        float[] key = [.. plain];
        key[(2 * Dimension) + 40] = float.NaN;
        Attend(q, Rows(key, Dimension, out _), Rows(plain, Dimension, out _), 5, 1).ShouldAllBe(value => float.IsNaN(value));
    }

    private static float[] Attend(float[] q, byte[] keys, byte[] values, int positions, float scale)
    {
        var output = new float[q.Length + 1];
        output[q.Length] = 7;
        var scratch = new float[AttentionHead.ScratchLength<T>(positions, q.Length)];
        scratch.AsSpan().Fill(float.NaN);
        AttentionHead.Apply<T>(ref q[0], ref keys[0], ref values[0], positions, q.Length, scale, scratch, ref output[0]);
        output[q.Length].ShouldBe(7, "what follows the head");
        return output[..q.Length];
    }

    /// <summary>Rows as they are stored, and the numbers that are left of them.</summary>
    private static byte[] Rows(float[] numbers, int dimension, out double[] kept)
    {
        int columns = T.Columns(dimension);
        var rows = new byte[numbers.Length / dimension * T.Bytes(columns)];
        kept = new double[numbers.Length];
        for (int p = 0; p < numbers.Length / dimension; p++)
        {
            ref byte row = ref rows[p * (int)T.Bytes(columns)];
            T.Store(ref numbers[p * dimension], ref row, dimension);
            for (int i = 0; i < columns; i++)
            {
                double number = Load(ref row, columns, i);
                if (i < dimension)
                {
                    kept[(p * dimension) + i] = number;
                }
                else
                {
                    (number is 0 or double.NaN).ShouldBeTrue("padding, of a block that may be NaN");
                }
            }
        }

        return rows;
    }

    private static double Load(ref byte row, int columns, int column)
    {
        int first = column / 32 * 32;
        if (columns - first == 16)
        {
            return (double)T.Load16(ref row, first).GetElement(column - first) * T.Unfold;
        }

        T.Load32(ref row, first, out var lo, out var hi);
        int i = column - first;
        return (double)(i < 16 ? lo.GetElement(i) : hi.GetElement(i - 16)) * T.Unfold;
    }

    private static double[] Attention(float[] q, double[] keys, double[] values, int positions, double scale)
    {
        var powers = new double[positions];
        for (int p = 0; p < positions; p++)
        {
            for (int i = 0; i < q.Length; i++)
            {
                powers[p] += q[i] * keys[(p * q.Length) + i] * scale;
            }
        }

        double largest = powers.Max();
        for (int p = 0; p < positions; p++)
        {
            powers[p] = Math.Exp(powers[p] - largest);
        }

        double sum = powers.Sum();
        var output = new double[q.Length];
        for (int i = 0; i < q.Length; i++)
        {
            for (int p = 0; p < positions; p++)
            {
                output[i] += powers[p] / sum * values[(p * q.Length) + i];
            }
        }

        return output;
    }
}
