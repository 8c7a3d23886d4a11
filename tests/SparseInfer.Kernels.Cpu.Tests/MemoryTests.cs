using System.Globalization;
using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu.Tests;

public sealed class MemoryTests
{
    [Fact]
    public void A_buffer_is_zeroed_and_aligned_to_a_cache_line()
    {
        for (int bytes = 1; bytes < 5000; bytes = (bytes * 3) + 1)
        {
            using var buffer = NativeBuffer.Allocate(bytes);
            (buffer.Address % 64).ShouldBe(0);
            buffer.Bytes.ShouldBe(bytes);
            buffer.AsSpan<byte>().IndexOfAnyExcept((byte)0).ShouldBe(-1);
            buffer.AsSpan<byte>().Fill(0xFF);
        }
    }

    [Fact]
    public void A_large_buffer_starts_at_a_huge_page_and_asks_for_such()
    {
        using var buffer = NativeBuffer.Allocate(5 << 20);
        (buffer.Address % (2 << 20)).ShouldBe(0);
        buffer.AsSpan<byte>().IndexOfAnyExcept((byte)0).ShouldBe(-1);
        buffer.AsSpan<byte>().Fill(0xFF);

        // Where the kernel has huge pages, the mapping says that it may use them: flag hg. The buffer's last megabyte is no whole page.
        if (Directory.Exists("/sys/kernel/mm/transparent_hugepage"))
        {
            FlagsOfMapping(buffer.Address).ShouldContain("hg");
        }
    }

    [Fact]
    public void A_disposed_buffer_gives_nothing_out_and_may_be_disposed_again()
    {
        var buffer = NativeBuffer.Allocate(64);
        buffer.Ref<float>() = 3;
        buffer.AsSpan<float>()[0].ShouldBe(3);
        buffer.Dispose();
        buffer.Dispose();
        Should.Throw<ObjectDisposedException>(() => buffer.AsSpan<byte>().Length);
        Should.Throw<ObjectDisposedException>(() => buffer.Ref<byte>());
    }

    [Fact]
    public void What_cannot_be_allocated_is_named_by_its_size()
    {
        Should.Throw<InsufficientMemoryException>(() => NativeBuffer.Allocate(1L << 60)).Message.ShouldContain("1,152,921,504,606,846,976");
        Should.Throw<InsufficientMemoryException>(() => NativeBuffer.Allocate(long.MaxValue));
        Should.Throw<ArgumentOutOfRangeException>(() => NativeBuffer.Allocate(-1));
    }

    [Fact]
    public void Rows_beyond_two_gigabytes_are_where_the_stride_says()
    {
        using var anchor = NativeBuffer.Allocate(64);
        WeightMatrix w = WeightMatrix.FromMemory(anchor.Address, 1_000_000, 11008, 22016);
        Distance(ref w.Row(0), ref w.Row(999_999)).ShouldBe(999_999L * 22016);
        DownMatrix down = DownMatrix.FromMemory<Q8_0>(anchor.Address, 1_000_000, 4096);
        Distance(ref down.Scales(0), ref down.Neuron(999_999)).ShouldBe((31_249L * (8192 + (32 * 4096))) + 8192 + (31 * 4096));
        SignPlane plane = SignPlane.FromMemory(anchor.Address, 10_000_000, 4096);
        Distance(ref plane.Row(0), ref plane.Row(9_999_999)).ShouldBe(9_999_999L * 512);
    }

    [Fact]
    public void Sizes_that_make_no_matrix_are_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => WeightMatrix.FromMemory(0, -1, 32, 64));
        Should.Throw<ArgumentOutOfRangeException>(() => WeightMatrix.FromMemory(0, 1, 0, 64));
        Should.Throw<ArgumentOutOfRangeException>(() => SignPlane.FromMemory(0, 1, 0));
        Should.Throw<ArgumentOutOfRangeException>(() => DownMatrix.FromMemory<F32>(0, 1, 0));
        Should.Throw<ArgumentException>(() => WeightPacking.SourceRowBytes<Q8_0>(33)).Message.ShouldContain("Q8_0");
        Should.Throw<OverflowException>(() => Padding.Pad(int.MaxValue));
    }

    [Fact]
    public unsafe void Prefetching_is_harmless_wherever_it_points()
    {
        using var buffer = NativeBuffer.Allocate(1);
        Prefetch.Line((byte*)buffer.Address);
        Prefetch.Line(null);
        Prefetch.Line((byte*)-64);
        buffer.Ref<byte>().ShouldBe((byte)0);
    }

    private static long Distance<T>(ref T from, ref T to) => Unsafe.ByteOffset(ref from, ref to);

    private static string[] FlagsOfMapping(nint address)
    {
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string first = line.Split(' ', 2)[0];
            if (first.Split('-') is [var from, var to])
            {
                inside = address >= nint.Parse(from, NumberStyles.HexNumber) && address < nint.Parse(to, NumberStyles.HexNumber);
            }
            else if (inside && first == "VmFlags:")
            {
                return line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }
}
