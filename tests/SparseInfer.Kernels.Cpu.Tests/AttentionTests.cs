using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Attention over keys and values in every type, against double precision over the numbers that the type keeps.</summary>
public sealed class AttentionTests
{
    public static MatrixTheoryData<string, int> TypesAndDimensions { get; } =
        new([nameof(KeyValueF32), nameof(KeyValueF16), nameof(KeyValueQ8_0)], [1, 8, 16, 31, 33, 48, 64, 80, 100, 128, 144, 256]);

    [Theory]
    [MemberData(nameof(TypesAndDimensions))]
    public void Attention_is_what_double_precision_says_for_any_head_and_any_number_of_positions(string type, int dimension) =>
        KeyValueCase.Of(type).ShouldAttend(dimension, [1, 3, 4, 5, 16, 17, 70], queryScale: 2);

    /// <summary>The power of two that halves lack would take such a query beyond the largest float.</summary>
    [Theory]
    [InlineData(nameof(KeyValueF32))]
    [InlineData(nameof(KeyValueF16))]
    [InlineData(nameof(KeyValueQ8_0))]
    public void A_query_may_be_as_large_as_floats_go(string type) => KeyValueCase.Of(type).ShouldAttend(64, [9], queryScale: 1e7f);

    [Theory]
    [InlineData(nameof(KeyValueF32))]
    [InlineData(nameof(KeyValueF16))]
    [InlineData(nameof(KeyValueQ8_0))]
    public void Scores_that_would_overflow_the_exponential_are_stood(string type) => KeyValueCase.Of(type).ShouldStandLargeScores();

    [Theory]
    [InlineData(nameof(KeyValueF32))]
    [InlineData(nameof(KeyValueF16))]
    [InlineData(nameof(KeyValueQ8_0))]
    public void Infinities_and_nan_in_the_cache_are_not_hidden(string type) => KeyValueCase.Of(type).ShouldKeepNotANumber();

    [Fact]
    public void Halves_are_rounded_to_the_nearest_and_clamped()
    {
        // Every half, what lies halfway to the next, and the floats beside both.
        for (int bits = 0; bits < 0x7C00; bits++)
        {
            float half = (float)BitConverter.Int16BitsToHalf((short)bits);
            float next = bits == 0x7BFF ? 65536 : (float)BitConverter.Int16BitsToHalf((short)(bits + 1));
            float middle = (half + next) / 2;
            foreach (float value in new[] { half, MathF.BitIncrement(half), MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle) })
            {
                Half expected = (Half)value;
                expected = Half.IsInfinity(expected) ? Half.MaxValue : expected;
                Stored(value).ShouldBe(expected, $"{value:R}");
                Stored(-value).ShouldBe(-expected, $"{-value:R}");
            }
        }

        Stored(float.MaxValue).ShouldBe(Half.MaxValue);
        Stored(float.MinValue).ShouldBe(Half.MinValue);
        Stored(float.Epsilon).ShouldBe(Half.Zero);
        Stored(float.PositiveInfinity).ShouldBe(Half.PositiveInfinity);
        Stored(float.NegativeInfinity).ShouldBe(Half.NegativeInfinity);
        Half.IsNaN(Stored(float.NaN)).ShouldBeTrue();
        Half.IsNaN(Stored(BitConverter.Int32BitsToSingle(0x7F800001))).ShouldBeTrue("a NaN whose fraction lies in the bits that are cut off");

        static Half Stored(float value)
        {
            var row = new byte[32];
            KeyValueF16.Store(ref value, ref row[0], 1);
            row.AsSpan(2).ContainsAnyExcept((byte)0).ShouldBeFalse();
            return Unsafe.ReadUnaligned<Half>(ref row[0]);
        }
    }

    [Fact]
    public void Eight_bits_are_within_half_a_step_of_a_scale_that_fits_the_largest()
    {
        float[] block = Reference.RandomVector(32, seed: 3, scale: 5);
        ShouldFit(block);
        ShouldFit(new float[32]);
        ShouldFit([.. Enumerable.Repeat(1e-9f, 32)]);
        ShouldFit([.. Enumerable.Repeat(float.Epsilon, 32)]);
        ShouldFit([.. Enumerable.Range(-16, 32).Select(i => i * 1e5f)]);

        // The largest scale is the largest half: what exceeds 127 times that is stored as it.
        float[] large = [.. block.Select(value => value * 1e30f)];
        float[] kept = Kept(large);
        for (int i = 0; i < 32; i++)
        {
            kept[i].ShouldBe(MathF.CopySign(127 * 65504f, large[i]));
        }

        static void ShouldFit(float[] values)
        {
            float largest = values.Max(MathF.Abs);

            // Half a step, and what the scale lost as a half: 2^-11 of it, or half of the smallest one, 127 times.
            float bound = (largest / 127 / 2) + Math.Max(largest / 2048, 127 * 3e-8f);
            float[] kept = Kept(values);
            for (int i = 0; i < 32; i++)
            {
                Math.Abs(kept[i] - values[i]).ShouldBeLessThanOrEqualTo(bound);
            }
        }

        static float[] Kept(float[] values)
        {
            var row = new byte[34];
            KeyValueQ8_0.Store(ref values[0], ref row[0], 32);
            float scale = (float)Unsafe.ReadUnaligned<Half>(ref row[0]);
            return [.. row.Skip(2).Select(quant => (sbyte)quant * scale)];
        }
    }
}
