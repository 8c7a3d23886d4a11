namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Counters of kernels whose counts can be told by hand.</summary>
public sealed class CounterTests : IDisposable
{
    private readonly Bench _bench = new();

    public CounterTests()
    {
        _bench.Accelerator.StandIn().CountAccesses = true;
    }

    [Theory]
    [InlineData(1, 4)] // 32 lanes x 4 bytes side by side: 128 bytes in 4 sectors
    [InlineData(2, 8)]
    [InlineData(8, 32)] // a sector each
    [InlineData(64, 32)]
    [InlineData(0, 1)] // all lanes one element
    public void A_warp_load_touches_as_many_sectors_as_its_stride_makes_it(int stride, int sectors)
    {
        using var input = _bench.Zeros<float>(64 * 64);
        using var output = _bench.Zeros<float>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(Strided)(
            (2, 32), input.AsContiguous(), output.AsContiguous(), stride);
        var counted = _bench.Accelerator.StandIn().Counted("Strided");
        counted.Groups.ShouldBe(2);
        counted.Warps.ShouldBe(2);
        var loads = counted.Memory["input"];
        loads.Loads.ShouldBe(2);
        loads.LoadedBytes.ShouldBe(2 * 128);
        loads.LoadedSectors.ShouldBe(2 * sectors);
        loads.IdleLoadLanes.ShouldBe(0);
        loads.Stores.ShouldBe(0);
        var stores = counted.Memory["output"];
        (stores.Loads, stores.Stores, stores.StoredBytes, stores.StoredSectors).ShouldBe((0L, 2L, 256L, 8L));
        counted.Global.LoadedSectors.ShouldBe(2 * sectors);
        counted.GlobalBytes.ShouldBe((64 * 64 * 4) + (64 * 4));
    }

    [Fact]
    public void Loads_of_16_bytes_are_coalesced_and_counted_per_round_of_the_loop()
    {
        using var input = _bench.Zeros<Four>(32 * 5);
        using var output = _bench.Zeros<uint>(32);
        _bench.Accelerator.LoadStreamKernel<Views, ArrayView<uint>>(WideLoads)(
            (1, 32), new Views { Weights = input.AsContiguous() }, output.AsContiguous());
        var loads = _bench.Accelerator.StandIn().Counted("WideLoads").Memory["views.Weights"];
        (loads.Loads, loads.LoadedBytes, loads.LoadedSectors).ShouldBe((5L, 5L * 512, 5L * 16));
    }

    [Fact]
    public void Lanes_that_leave_a_loop_early_are_idle_at_its_loads()
    {
        using var input = _bench.Zeros<float>(64);
        using var output = _bench.Zeros<float>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(Uneven)(
            (1, 32), input.AsContiguous(), output.AsContiguous());
        var loads = _bench.Accelerator.StandIn().Counted("Uneven").Memory["input"];
        // 40 elements by a warp of 32: a full round, and one of 8 lanes.
        (loads.Loads, loads.LoadedBytes, loads.LoadedSectors, loads.IdleLoadLanes).ShouldBe((2L, 160L, 5L, 24L));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)] // two words a bank
    [InlineData(4, 3)]
    [InlineData(32, 31)] // all in one bank
    [InlineData(33, 0)] // the padding that mends it
    public void Words_of_one_bank_cost_a_pass_each(int stride, int conflicts)
    {
        using var output = _bench.Zeros<uint>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, int>(SharedStride)((1, 32), output.AsContiguous(), stride);
        var counted = _bench.Accelerator.StandIn().Counted("SharedStride");
        counted.SharedAccesses.ShouldBe(2);
        counted.BankConflicts.ShouldBe(2 * conflicts);
        counted.SharedBytesPerGroup.ShouldBe(33 * 32 * 4);
        counted.Barriers.ShouldBe(1);
    }

    [Theory]
    [InlineData(1, 0)] // 8 lanes x 16 bytes: every bank once
    [InlineData(2, 4)] // one pass more for each quarter of the warp
    public void Accesses_of_16_bytes_are_served_a_quarter_of_the_warp_at_a_time(int stride, int conflicts)
    {
        using var output = _bench.Zeros<uint>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, int>(SharedWide)((1, 32), output.AsContiguous(), stride);
        var counted = _bench.Accelerator.StandIn().Counted("SharedWide");
        counted.BankConflicts.ShouldBe(2 * conflicts);
    }

    [Fact]
    public void All_lanes_reading_one_word_is_no_conflict_and_shuffles_are_counted_by_warp()
    {
        using var output = _bench.Zeros<int>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(BroadcastWord)((3, 64), output.AsContiguous());
        var counted = _bench.Accelerator.StandIn().Counted("BroadcastWord");
        (counted.Shuffles, counted.Barriers, counted.Warps, counted.BankConflicts).ShouldBe((3L * 2 * 2, 3L, 6L, 0L));
    }

    [Fact]
    public void Launches_are_kept_apart_added_up_and_forgotten()
    {
        using var output = _bench.Zeros<int>(64);
        var control = _bench.Accelerator.StandIn();
        var launch = _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(BroadcastWord);
        launch((1, 32), output.AsContiguous());
        launch((1, 32), output.AsContiguous());
        control.CountAccesses = false;
        launch((1, 32), output.AsContiguous());
        control.Launches.Count.ShouldBe(2);
        control.Counted("BroadcastWord").Launches.ShouldBe(2);
        control.Counted("BroadcastWord").Shuffles.ShouldBe(2 * control.Launches[0].Shuffles);
        control.ClearCounters();
        Should.Throw<KeyNotFoundException>(() => control.Counted("BroadcastWord"));
    }

    public void Dispose() => _bench.Dispose();

    private static void Strided(ArrayView<float> input, ArrayView<float> output, int stride) =>
        output[(Grid.IdxX * 32) + Group.IdxX] = input[Group.IdxX * stride];

    private static void WideLoads(Views views, ArrayView<uint> output)
    {
        uint sum = 0;
        for (int i = Group.IdxX; i < views.Weights.IntLength; i += 32)
        {
            var four = views.Weights[i];
            sum += four.X + four.W;
        }

        output[Group.IdxX] = sum;
    }

    private static void Uneven(ArrayView<float> input, ArrayView<float> output)
    {
        float sum = 0;
        for (int i = Group.IdxX; i < 40; i += 32)
            sum += input[i];
        output[Group.IdxX] = sum;
    }

    private static void SharedStride(ArrayView<uint> output, int stride)
    {
        var shared = SharedMemory.Allocate<uint>(33 * 32);
        shared[Group.IdxX * stride] = 1;
        Group.Barrier();
        output[Group.IdxX] = shared[Group.IdxX * stride];
    }

    private static void SharedWide(ArrayView<uint> output, int stride)
    {
        var shared = SharedMemory.Allocate<Four>(64);
        shared[Group.IdxX * stride] = default;
        Group.Barrier();
        var four = shared[Group.IdxX * stride];
        output[Group.IdxX] = four.X + four.Y;
    }

    private static void BroadcastWord(ArrayView<int> output)
    {
        var shared = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
            shared[0] = 5;
        Group.Barrier();
        int value = shared[0] + Group.IdxX;
        int sum = value + Warp.ShuffleXor(value, 1) + Warp.ShuffleXor(value, 2);
        if (Grid.IdxX == 0)
            output[Group.IdxX] = sum;
    }

    private struct Views
    {
        public ArrayView<Four> Weights;
    }
}
