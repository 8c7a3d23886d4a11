using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <content>Preparation at load: padding, permutation, signs, and the search for what is not finite.</content>
public abstract partial class WeightFormatTests<T>
{
    [Fact]
    public void Rows_of_a_multiple_of_32_columns_are_used_where_they_lie()
    {
        using var sample = new Sample<T>(3, Fit(64));
        WeightMatrix w = sample.Pack(out NativeBuffer? owner);
        owner.ShouldBeNull();
        w.Stride.ShouldBe(WeightPacking.SourceRowBytes<T>(sample.Columns));
        w.Row(2).ShouldBe(sample.Bytes[2 * (int)w.Stride]);
    }

    [Fact]
    public void An_address_that_is_no_multiple_of_the_element_is_copied_and_keeps_its_values()
    {
        int width = Fit(64);
        using var sample = new Sample<T>(3, width);
        using var shifted = NativeBuffer.Allocate(sample.Bytes.Length + 1);
        sample.Bytes.CopyTo(shifted.AsSpan<byte>()[1..]);
        WeightMatrix w = WeightPacking.Pack<T>(shifted.Address + 1, 3, width, out NativeBuffer? owner);
        using (owner)
        {
            owner.ShouldNotBeNull();
            MemoryMarshal.CreateReadOnlySpan(ref w.Row(0), sample.Bytes.Length).SequenceEqual(sample.Bytes).ShouldBeTrue();
            WeightPacking.FirstNonFinite<T>(shifted.Address + 1, 3, width).ShouldBeNull();
            DownMatrix down = WeightPacking.PackDown<T>(shifted.Address + 1, 3, width, 1, out NativeBuffer downOwner);
            using (downOwner)
            {
                Widen(in down, 63)[2].ShouldBe(sample[2, 63]);
            }
        }
    }

    [Fact]
    public void A_permutation_says_which_source_row_goes_where()
    {
        int[] sourceRows = WeightPacking.InterleavedFromHalfSplit(rows: 16, headDimension: 8, rotaryDimensions: 6);
        sourceRows.ShouldBe([0, 3, 1, 4, 2, 5, 6, 7, 8, 11, 9, 12, 10, 13, 14, 15]);
        foreach (int width in Widths)
        {
            using var sample = new Sample<T>(16, width);
            int bytes = (int)WeightPacking.SourceRowBytes<T>(width);
            WeightMatrix w = WeightPacking.PackPermuted<T>(sample.Address, 16, width, sourceRows, out NativeBuffer owner);
            using (owner)
            {
                for (int row = 0; row < 16; row++)
                {
                    ReadOnlySpan<byte> packed = MemoryMarshal.CreateReadOnlySpan(ref w.Row(row), (int)w.Stride);
                    packed[..bytes].SequenceEqual(sample.Bytes.Slice(sourceRows[row] * bytes, bytes)).ShouldBeTrue();
                    packed[bytes..].IndexOfAnyExcept((byte)0).ShouldBe(-1);
                }
            }
        }
    }

    [Fact]
    public void A_permutation_that_does_not_fit_the_matrix_is_refused()
    {
        int width = Fit(32);
        using var sample = new Sample<T>(2, width);
        Should.Throw<ArgumentException>(() => WeightPacking.PackPermuted<T>(sample.Address, 2, width, [0], out _));
        Should.Throw<ArgumentOutOfRangeException>(() => WeightPacking.PackPermuted<T>(sample.Address, 2, width, [0, 2], out _));
    }

    [Fact]
    public void A_sign_plane_holds_the_sign_bit_of_every_weight_and_zeros_after_them()
    {
        foreach (int width in Widths)
        {
            using var sample = new Sample<T>(9, width);
            WeightMatrix w = sample.Pack(out NativeBuffer? owner);
            SignPlane plane = SignPlane.Allocate(9, width, out NativeBuffer planeOwner);
            using (owner)
            using (planeOwner)
            {
                plane.Pack<T>(in w, 4, 9);
                plane.Row(3).ShouldBe(0UL);
                plane.Pack<T>(in w, 0, 4);
                for (int row = 0; row < 9; row++)
                {
                    ReadOnlySpan<ulong> words = MemoryMarshal.CreateReadOnlySpan(ref plane.Row(row), plane.WordsPerRow);
                    words.ToArray().ShouldBe(Reference.SignWords(sample.Values.AsSpan(row * width, width)), $"width {width}, row {row}");
                }
            }
        }
    }

    [Fact]
    public void A_search_finds_the_first_weight_or_block_that_is_not_finite()
    {
        foreach (int width in Widths)
        {
            foreach (int place in new[] { 0, 1, 15, 31, 32, 40, (3 * width) - 1 })
            {
                if (place >= 3 * width)
                {
                    continue;
                }

                foreach (bool infinite in new[] { true, false })
                {
                    using var sample = new Sample<T>(3, width);
                    WeightPacking.FirstNonFinite<T>(sample.Address, 3, width).ShouldBeNull();
                    int block = place / T.BlockElements;
                    BlockReference? reference = BlockReference.For<T>();
                    Span<byte> bytes = sample.Bytes[((block * T.BlockBytes) + (reference?.HalvesOffset ?? 0))..];
                    if (reference?.HasMinimum == true && infinite)
                    {
                        bytes = bytes[2..];
                    }

                    if (typeof(T) == typeof(F32))
                    {
                        MemoryMarshal.Write(bytes, infinite ? float.NegativeInfinity : float.NaN);
                    }
                    else if (typeof(T) == typeof(BF16))
                    {
                        MemoryMarshal.Write(bytes, (ushort)(infinite ? 0xFF80 : 0x7FC0));
                    }
                    else
                    {
                        MemoryMarshal.Write(bytes, infinite ? Half.NegativeInfinity : Half.NaN);
                    }

                    int element = block * T.BlockElements;
                    WeightPacking.FirstNonFinite<T>(sample.Address, 3, width).ShouldBe((element / width, element % width));
                }
            }
        }
    }

    [Fact]
    public void Encoding_what_was_decoded_loses_nothing_that_the_format_can_hold()
    {
        float[] values = Reference.RandomVector(512, seed: 11, scale: 0.3f);
        var bytes = new byte[values.Length / T.BlockElements * T.BlockBytes];
        WeightConversion.Encode<T>(values, bytes);
        var decoded = new float[values.Length];
        WeightConversion.Decode<T>(bytes, decoded);
        for (int i = 0; i < values.Length; i++)
        {
            float largest = values.AsSpan(i / 32 * 32, 32).ToArray().Max(MathF.Abs);
            double step = typeof(T) == typeof(F32) ? 0
                : typeof(T) == typeof(F16) ? Math.Abs(values[i]) / 2048 + 1e-7
                : typeof(T) == typeof(BF16) ? Math.Abs(values[i]) / 256
                : largest * BlockReference.For<T>()!.EncodingStep;
            Math.Abs((double)decoded[i] - values[i]).ShouldBeLessThanOrEqualTo(step);
        }

        var again = new byte[bytes.Length];
        WeightConversion.Encode<T>(decoded, again);
        if (T.BlockElements == 1)
        {
            again.ShouldBe(bytes);
        }
    }

    [Fact]
    public void Spans_that_do_not_match_are_refused()
    {
        Should.Throw<ArgumentException>(() => WeightConversion.Decode<T>(new byte[1], new float[Fit(32)]));
        Should.Throw<ArgumentException>(() => WeightConversion.Encode<T>(new float[2 * Fit(32)], new byte[T.BlockBytes]));
    }
}
