using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class HalfTests
{
    [Fact]
    public void Every_finite_half_widens_to_its_value_subnormals_and_both_zeros_included()
    {
        var halves = new Half[65536];
        for (int i = 0; i < halves.Length; i++)
        {
            halves[i] = BitConverter.UInt16BitsToHalf((ushort)i);
        }

        var widened = new float[halves.Length];
        WeightConversion.Decode<F16>(MemoryMarshal.AsBytes(halves.AsSpan()), widened);
        for (int i = 0; i < halves.Length; i++)
        {
            if (Half.IsFinite(halves[i]))
            {
                BitConverter.SingleToInt32Bits(widened[i]).ShouldBe(BitConverter.SingleToInt32Bits((float)halves[i]), $"half {i:X4}");
            }
        }
    }

    [Fact]
    public void Subnormal_halves_count_in_full_in_dot_and_down_products()
    {
        Half smallest = BitConverter.UInt16BitsToHalf(1);
        var row = new Half[32];
        Array.Fill(row, smallest);
        using var buffer = NativeBuffer.Allocate(64);
        MemoryMarshal.AsBytes(row.AsSpan()).CopyTo(buffer.AsSpan<byte>());
        FourRows rows = WeightMatrix.FromMemory(buffer.Address, 1, 32, 64).Four(0, 0, 0, 0);
        var x = new float[32];
        Array.Fill(x, 1.5f);
        var prepared = new float[32];
        F16.PrepareInput(in x[0], ref prepared[0], 32).ShouldBe(1);
        RowDot.Four<F16>(ref prepared[0], in rows, in rows, 32).ShouldBe(Vector128.Create(48 * (float)smallest));
    }

    [Theory]
    [InlineData(32767.998f, 1f)]
    [InlineData(32768f, 2f)]
    [InlineData(-65535f, 2f)]
    [InlineData(65536f, 4f)]
    [InlineData(float.MaxValue, 1.0384594e34f)]
    [InlineData(float.PositiveInfinity, 2.0769187e34f)]
    [InlineData(float.NaN, 2.0769187e34f)]
    public void Huge_inputs_are_folded_by_less_and_the_rest_is_undone_afterwards(float largest, float undo)
    {
        var x = new float[64];
        x[0] = 3;
        x[47] = largest;
        var prepared = new float[64];
        F16.PrepareInput(in x[0], ref prepared[0], 64).ShouldBe(undo);
        ((double)prepared[0]).ShouldBe(3 * Math.Pow(2, 112) / undo);
        if (float.IsFinite(largest))
        {
            ((double)prepared[47]).ShouldBe(largest * Math.Pow(2, 112) / undo);
        }
        else
        {
            float.IsFinite(prepared[47]).ShouldBeFalse();
        }
    }

    [Fact]
    public void An_input_may_be_prepared_in_place()
    {
        float[] x = Reference.RandomVector(64, seed: 1);
        float[] expected = new float[64];
        F16.PrepareInput(in x[0], ref expected[0], 64);
        F16.PrepareInput(in x[0], ref x[0], 64);
        x.ShouldBe(expected);
        F32.PrepareInput(in x[0], ref x[0], 64).ShouldBe(1);
        x.ShouldBe(expected);
    }

    [Theory]
    [InlineData(0x3F808000u, 0x3F80)]
    [InlineData(0x3F818000u, 0x3F82)]
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x7F7FFFFFu, 0x7F80)]
    [InlineData(0x7F800001u, 0x7FC0)]
    [InlineData(0xFF800000u, 0xFF80)]
    [InlineData(0x80000000u, 0x8000)]
    public void Bfloat16_rounds_to_nearest_even_and_keeps_what_is_no_number(uint bits, int expected)
    {
        var encoded = new byte[2];
        WeightConversion.Encode<BF16>([BitConverter.UInt32BitsToSingle(bits)], encoded);
        ((int)BitConverter.ToUInt16(encoded)).ShouldBe(expected);
    }

    [Fact]
    public void Q8_0_scales_the_largest_magnitude_to_127()
    {
        var values = new float[32];
        values[3] = -127;
        values[4] = 2.5f;
        values[5] = -2.5f;
        var bytes = new byte[34];
        WeightConversion.Encode<Q8_0>(values, bytes);
        BitConverter.ToHalf(bytes).ShouldBe((Half)1);
        ((sbyte)bytes[2 + 3]).ShouldBe((sbyte)-127);
        ((sbyte)bytes[2 + 4]).ShouldBe((sbyte)3);
        ((sbyte)bytes[2 + 5]).ShouldBe((sbyte)-3);
    }

    [Fact]
    public void Q4_0_maps_the_value_of_largest_magnitude_to_minus_eight()
    {
        var values = new float[32];
        values[0] = 8;
        values[16] = -8;
        values[1] = -3;
        var bytes = new byte[18];
        WeightConversion.Encode<Q4_0>(values, bytes);
        BitConverter.ToHalf(bytes).ShouldBe((Half)(-1));
        bytes[2].ShouldBe((byte)0xF0);
        bytes[3].ShouldBe((byte)0x8B);
    }
}
