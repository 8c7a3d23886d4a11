namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Every kind of fault, provoked; the message says where and who.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly Bench _bench = new();

    [Fact]
    public void An_index_outside_a_view_names_parameter_thread_index_and_length()
    {
        using var output = _bench.Zeros<float>(60);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(StoreEach)((1, 64), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.OutOfBounds);
        fault.Kernel.ShouldBe("StoreEach");
        (fault.Group, fault.Warp, fault.Lane, fault.Index, fault.Length).ShouldBe(((0, 0, 0), 1, 28, 60L, 60L));
        fault.Site.ShouldStartWith("StoreEach, IL_");
        fault.Site.ShouldEndWith("store to output, ArrayView<Single>");
        fault.Message.ShouldContain("element 60 of a view of 60 elements; group (0, 0, 0), warp 1, lane 28");
    }

    [Fact]
    public void A_negative_index_in_a_device_function_is_named_there()
    {
        using var output = _bench.Zeros<float>(64);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(LoadBefore)((1, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.OutOfBounds);
        fault.Kernel.ShouldBe("LoadBefore");
        fault.Site.ShouldStartWith("Before, IL_");
        fault.Index.ShouldBe(-1);
    }

    [Fact]
    public void A_sub_view_that_leaves_its_view_is_out_of_bounds()
    {
        using var output = _bench.Zeros<float>(64);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(LongSubView)((1, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.OutOfBounds);
        fault.Site.ShouldEndWith("ArrayView.SubView");
        fault.Message.ShouldContain("a sub-view of 64 elements from 1 exceeds a view of 64 elements");
    }

    [Fact]
    public void A_wide_element_at_an_address_that_is_no_multiple_of_16_is_misaligned()
    {
        using var words = _bench.Zeros<uint>(256);
        using var output = _bench.Zeros<uint>(32);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, ArrayView<uint>>(WideShared);
        launch((1, 32), words.AsContiguous(), output.AsContiguous());
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, ArrayView<uint>>(WideSharedOff)(
            (1, 32), words.AsContiguous(), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.Misaligned);
        fault.Message.ShouldContain("an access of 16 bytes needs an address that is a multiple of 16, element 0 lies 4 bytes beyond one");
    }

    [Fact]
    public void A_cast_of_a_view_that_starts_inside_an_element_is_refused()
    {
        using var words = _bench.Zeros<uint>(256);
        Should.Throw<Execution.ViewRangeException>(() => words.AsContiguous().SubView(1, 8).Cast<Four>());
        words.AsContiguous().SubView(4, 9).Cast<Four>().Length.ShouldBe(2);
    }

    [Fact]
    public void A_shuffle_that_some_lanes_do_not_reach_is_a_fault()
    {
        using var output = _bench.Zeros<float>(32);
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(ShuffleInBranch)((1, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.DivergentShuffle);
        fault.Message.ShouldContain("20 of 32 lanes reached a shuffle, lane 20 has ended");
        fault.Site.ShouldEndWith("Warp.ShuffleXor");
    }

    [Fact]
    public void Two_shuffles_on_two_paths_are_not_one_shuffle()
    {
        using var output = _bench.Zeros<float>(32);
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(ShuffleOnBothSides)((1, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.DivergentShuffle);
        fault.Message.ShouldContain("lane 16 is at ShuffleOnBothSides, IL_");
    }

    [Fact]
    public void A_barrier_that_a_warp_does_not_reach_is_a_fault()
    {
        using var output = _bench.Zeros<float>(96);
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>, int>(BarrierBelow)((1, 96), output.AsContiguous(), 64));
        fault.Kind.ShouldBe(KernelFaultKind.DivergentBarrier);
        fault.Message.ShouldContain("warp 0 reached a barrier, warp 2 has ended");
    }

    [Fact]
    public void A_barrier_that_a_lane_does_not_reach_is_a_fault()
    {
        using var output = _bench.Zeros<float>(32);
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>, int>(BarrierBelow)((1, 32), output.AsContiguous(), 31));
        fault.Kind.ShouldBe(KernelFaultKind.DivergentBarrier);
        fault.Message.ShouldContain("31 of 32 lanes reached a barrier, lane 31 has ended");
    }

    [Fact]
    public void Shared_memory_that_nobody_wrote_is_not_read()
    {
        using var output = _bench.Zeros<float>(64);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(ReadUnwrittenShared);
        var fault = Bench.Fault(() => launch((1, 64), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.UnwrittenRead);
        fault.Message.ShouldContain("a read of shared memory that nobody wrote, element 64 of 65");
    }

    [Fact]
    public void What_one_group_wrote_in_shared_memory_is_unwritten_for_the_next()
    {
        using var output = _bench.Zeros<float>(64);
        _bench.Accelerator.StandIn().Parallelism = 1;
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(WriteInFirstGroup)((2, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.UnwrittenRead);
        fault.Group.ShouldBe((1, 0, 0));
    }

    [Fact]
    public void Global_memory_that_nothing_wrote_is_not_read()
    {
        using var input = _bench.Unwritten<float>(64);
        using var output = _bench.Zeros<float>(64);
        input.AsContiguous().SubView(0, 40).MemSetToZero();
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(Copy)(
            (1, 64), input.AsContiguous(), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.UnwrittenRead);
        fault.Index.ShouldBe(40);
        float.IsNaN(input.AsContiguous().GetAsArray()[50]).ShouldBeTrue();
    }

    [Fact]
    public void A_store_makes_the_element_written_only_after_its_value_was_read()
    {
        using var output = _bench.Unwritten<float>(64);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(AddOne)((1, 64), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.UnwrittenRead);
    }

    [Fact]
    public void Two_threads_do_not_write_one_global_element()
    {
        using var output = _bench.Zeros<float>(64);
        var fault = Bench.Fault(() =>
            _bench.Accelerator.LoadStreamKernel<ArrayView<float>, int>(StoreHalved)((1, 64), output.AsContiguous(), 1));
        fault.Kind.ShouldBe(KernelFaultKind.Race);
        fault.Lane.ShouldBe(1);
        fault.Message.ShouldContain(
            "writes global memory that thread 0 of the same group writes too between the same barriers, element 0 of 64");
    }

    [Fact]
    public void Two_groups_do_not_write_one_global_element_and_two_launches_may()
    {
        using var output = _bench.Zeros<float>(64);
        _bench.Accelerator.StandIn().Parallelism = 1;
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<float>, int>(StoreHalved);
        launch((1, 32), output.AsContiguous(), 0);
        launch((1, 32), output.AsContiguous(), 0);
        var fault = Bench.Fault(() => launch((2, 32), output.AsContiguous(), 0));
        fault.Kind.ShouldBe(KernelFaultKind.Race);
        fault.Message.ShouldContain("thread 0 of group 0 writes too in the same launch");
    }

    [Fact]
    public void Halves_of_one_word_may_be_written_by_two_threads()
    {
        using var output = _bench.Zeros<ushort>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<ushort>>(StoreShorts)((1, 64), output.AsContiguous());
        output.AsContiguous().GetAsArray().ShouldBe(Enumerable.Range(0, 64).Select(i => (ushort)i));
    }

    [Fact]
    public void Two_threads_do_not_write_one_shared_element()
    {
        using var output = _bench.Zeros<float>(64);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(SharedWrites)((1, 64), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.Race);
        fault.Message.ShouldContain("writes shared memory that thread 0 writes too between the same barriers");
    }

    [Theory]
    [InlineData(true, "reads shared memory that thread 0 writes")]
    [InlineData(false, "writes shared memory that thread 0 reads")]
    public void A_read_and_a_write_of_one_shared_element_want_a_barrier_between(bool writeFirst, string message)
    {
        using var output = _bench.Zeros<float>(64);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>, int>(NoBarrierBetween)(
            (1, 64), output.AsContiguous(), writeFirst ? 1 : 0));
        fault.Kind.ShouldBe(KernelFaultKind.Race);
        fault.Message.ShouldContain(message);
    }

    [Theory]
    [InlineData(48, "a group of 48 threads is not a whole number of warps of 32")]
    [InlineData(1056, "a group of 1056 threads, the device takes 1024")]
    [InlineData(0, "is empty")]
    public void Group_sizes_that_no_device_runs_are_refused(int size, string message)
    {
        using var output = _bench.Zeros<float>(2048);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(StoreEach)((1, size), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.LaunchSize);
        fault.Message.ShouldContain(message);
    }

    [Fact]
    public void More_than_48_KiB_of_shared_memory_is_refused()
    {
        using var output = _bench.Zeros<float>(32);
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(MuchShared)((1, 32), output.AsContiguous()));
        fault.Kind.ShouldBe(KernelFaultKind.SharedMemory);
        fault.Message.ShouldContain("32772 bytes of shared memory on top of 16384, a group has 49152");
    }

    [Fact]
    public void A_negative_dividend_of_what_becomes_a_shift_is_found()
    {
        using var output = _bench.Zeros<int>(32);
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<int>, int>(DivideIntegers);
        launch((1, 32), output.AsContiguous(), 0);
        output.GetAsArray1D().ShouldBe(Enumerable.Range(0, 32).Select(i => (i / 8) + i));
        var fault = Bench.Fault(() => launch((1, 32), output.AsContiguous(), 9));
        fault.Kind.ShouldBe(KernelFaultKind.NegativeDivision);
        fault.Lane.ShouldBe(0);
        fault.Message.ShouldContain("division: -9 / 8");
    }

    [Fact]
    public void A_dividend_whose_highest_bit_is_set_is_found_in_wide_and_unsigned_divisions()
    {
        using var output = _bench.Zeros<int>(32);
        var wide = _bench.Accelerator.LoadStreamKernel<ArrayView<int>, long>(DivideLongs);
        wide((1, 32), output.AsContiguous(), 1L << 40);
        output.GetAsArray1D().ShouldAllBe(quotient => quotient == 1 << 30);
        Bench.Fault(() => wide((1, 32), output.AsContiguous(), -1)).Kind.ShouldBe(KernelFaultKind.NegativeDivision);
        var unsigned = _bench.Accelerator.LoadStreamKernel<ArrayView<int>, uint>(DivideUnsigned);
        unsigned((1, 32), output.AsContiguous(), 64);
        output.GetAsArray1D().ShouldAllBe(quotient => quotient == 2);
        Bench.Fault(() => unsigned((1, 32), output.AsContiguous(), 1u << 31)).Kind.ShouldBe(KernelFaultKind.NegativeDivision);
    }

    [Fact]
    public void Freed_memory_is_not_used()
    {
        var output = _bench.Zeros<float>(32);
        var view = output.AsContiguous();
        output.Dispose();
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel<ArrayView<float>>(StoreEach)((1, 32), view));
        fault.Kind.ShouldBe(KernelFaultKind.FreedMemory);
        fault.Message.ShouldContain("the memory that output looks into was freed");
        Should.Throw<ObjectDisposedException>(() => view.CopyFromCPU(new float[32]));
    }

    [Fact]
    public void More_memory_than_the_limit_is_refused_and_freed_memory_is_given_back()
    {
        _bench.Accelerator.StandIn().MemoryLimit = 1024;
        var first = _bench.Zeros<byte>(1000);
        Should.Throw<StandInMemoryException>(() =>
            _bench.Zeros<byte>(25)).Message.ShouldBe("Out of memory: 25 bytes were asked for, 1000 of 1024 are in use.");
        first.Dispose();
        using var second = _bench.Zeros<byte>(1024);
        _bench.Accelerator.StandIn().AllocatedBytes.ShouldBe(1024);
    }

    public void Dispose() => _bench.Dispose();

    private static void DivideIntegers(ArrayView<int> output, int less) => output[Group.IdxX] = ((Group.IdxX - less) / 8) + (Group.IdxX / 1);

    private static void DivideLongs(ArrayView<int> output, long value) => output[Group.IdxX] = (int)(value / 1024L);

    private static void DivideUnsigned(ArrayView<int> output, uint value) => output[Group.IdxX] = (int)(value / 32u);

    private static void StoreEach(ArrayView<float> output) => output[Group.IdxX] = 1f;

    private static void LoadBefore(ArrayView<float> values) => values[Group.IdxX] = Before(values, Group.IdxX);

    private static float Before(ArrayView<float> values, int i) => values[i - 1];

    private static void LongSubView(ArrayView<float> values)
    {
        var part = values.SubView(1, values.Length);
        part[Group.IdxX] = 1f;
    }

    private static void WideShared(ArrayView<uint> words, ArrayView<uint> output) =>
        output[Group.IdxX] = words.Cast<Four>()[Group.IdxX].X;

    private static void WideSharedOff(ArrayView<uint> words, ArrayView<uint> output)
    {
        var shared = SharedMemory.Allocate<uint>(256);
        for (int i = Group.IdxX; i < 256; i += 32)
            shared[i] = words[i];
        Group.Barrier();
        var four = shared.SubView(1, 128).Cast<Four>()[Group.IdxX % 8];
        output[Group.IdxX] = four.X + four.W;
    }

    private static void ShuffleInBranch(ArrayView<float> output)
    {
        float value = output[Group.IdxX];
        if (Group.IdxX < 20)
        {
            float other = Warp.ShuffleXor(value, 1);
            output[Group.IdxX] = other;
        }
    }

    private static void ShuffleOnBothSides(ArrayView<float> output)
    {
        float value = output[Group.IdxX];
        float other;
        if (Group.IdxX < 16)
            other = Warp.ShuffleXor(value, 1);
        else
            other = Warp.ShuffleXor(value, 2);
        output[Group.IdxX] = other;
    }

    private static void BarrierBelow(ArrayView<float> output, int limit)
    {
        if (Group.IdxX < limit)
            Group.Barrier();
        output[Group.IdxX] = 1f;
    }

    private static void ReadUnwrittenShared(ArrayView<float> output)
    {
        var shared = SharedMemory.Allocate<float>(65);
        shared[Group.IdxX] = 1f;
        Group.Barrier();
        output[Group.IdxX] = shared[Group.IdxX + 1];
    }

    private static void WriteInFirstGroup(ArrayView<float> output)
    {
        var shared = SharedMemory.Allocate<float>(32);
        if (Grid.IdxX == 0)
            shared[Group.IdxX] = 1f;
        Group.Barrier();
        output[(Grid.IdxX * 32) + Group.IdxX] = shared[Group.IdxX];
    }

    private static void Copy(ArrayView<float> input, ArrayView<float> output) => output[Group.IdxX] = input[Group.IdxX];

    private static void AddOne(ArrayView<float> output) => output[Group.IdxX] = output[Group.IdxX] + 1f;

    private static void StoreHalved(ArrayView<float> output, int shift) => output[Group.IdxX >> shift] = 1f;

    private static void StoreShorts(ArrayView<ushort> output) => output[Group.IdxX] = (ushort)Group.IdxX;

    private static void SharedWrites(ArrayView<float> output)
    {
        var shared = SharedMemory.Allocate<float>(32);
        shared[Group.IdxX % 32] = 1f;
        Group.Barrier();
        output[Group.IdxX] = shared[0];
    }

    private static void NoBarrierBetween(ArrayView<float> output, int writeFirst)
    {
        var shared = SharedMemory.Allocate<float>(128);
        int thread = Group.IdxX;
        if (writeFirst == 0)
        {
            shared[thread] = 0f;
            if (thread == 0)
                shared[64] = 0f;
            Group.Barrier();
            output[thread] = shared[thread + 1];
            shared[thread] = 1f;
        }
        else
        {
            shared[thread] = 1f;
            output[thread] = shared[thread == 0 ? 0 : thread - 1];
        }
    }

    private static void MuchShared(ArrayView<float> output)
    {
        var first = SharedMemory.Allocate<float>(4096);
        var second = SharedMemory.Allocate<float>(8193);
        first[Group.IdxX] = 1f;
        second[Group.IdxX] = first[Group.IdxX];
        output[Group.IdxX] = second[Group.IdxX];
    }
}
