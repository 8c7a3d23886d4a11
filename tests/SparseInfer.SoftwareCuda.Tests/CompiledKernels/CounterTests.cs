using ILGPU;
using ILGPU.Runtime;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.SoftwareCuda.Tests.CompiledKernels;

/// <summary>Counters of kernels whose counts can be told by hand.</summary>
public sealed class CounterTests : IDisposable
{
    private readonly Bench _bench = new();

    public CounterTests()
    {
        _bench.Software.CountAccesses = true;
    }

    [Theory]
    [InlineData(1, 4)] // 32 lanes x 4 bytes side by side: 128 bytes in 4 sectors
    [InlineData(2, 8)]
    [InlineData(8, 32)] // a sector each
    [InlineData(64, 32)]
    [InlineData(0, 1)] // all lanes one element
    public void A_warp_load_touches_as_many_sectors_as_its_stride_makes_it(int stride, int sectors)
    {
        ArrayView<float> input = _bench.Zeros<float>(64 * 64);
        ArrayView<float> output = _bench.Zeros<float>(64);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(CounterKernels.Strided)((2, 32), input, output, stride);

        LaunchCounters counted = Counted("Strided");
        (counted.Groups, counted.Warps).ShouldBe((2L, 2L));
        MemoryCounters loads = counted.Memory["input"];
        (loads.Loads, loads.LoadedBytes, loads.LoadedSectors, loads.IdleLoadLanes, loads.Stores)
            .ShouldBe((2L, 2L * 128, 2L * sectors, 0L, 0L));
        MemoryCounters stores = counted.Memory["output"];
        (stores.Loads, stores.Stores, stores.StoredBytes, stores.StoredSectors).ShouldBe((0L, 2L, 256L, 8L));
        counted.Global.LoadedSectors.ShouldBe(2 * sectors);
        counted.Instructions[InstructionClass.GlobalLoad].ShouldBe(2);
        counted.Instructions[InstructionClass.GlobalStore].ShouldBe(2);
    }

    [Fact]
    public void Loads_of_16_bytes_through_a_structures_view_are_counted_at_its_place_for_each_round_of_the_loop()
    {
        ArrayView<Four> weights = _bench.Zeros<Four>(32 * 5);
        ArrayView<uint> output = _bench.Zeros<uint>(32);
        var views = new CounterKernels.Views { Scales = _bench.Zeros<float>(1), Weights = weights };
        _bench.Accelerator.LoadStreamKernel<CounterKernels.Views, ArrayView<uint>>(CounterKernels.WideLoads)((1, 32), views, output);

        MemoryCounters loads = Counted("WideLoads").Memory["views+16"]; // a view is a pointer and a length
        (loads.Loads, loads.LoadedBytes, loads.LoadedSectors).ShouldBe((5L, 5L * 512, 5L * 16));
    }

    [Fact]
    public void Lanes_that_leave_a_loop_early_are_idle_at_its_loads()
    {
        ArrayView<float> input = _bench.Zeros<float>(64);
        ArrayView<float> output = _bench.Zeros<float>(32);
        _bench.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(CounterKernels.Uneven)((1, 32), input, output);

        // 40 elements by a warp of 32: a full round, and one of 8 lanes.
        LaunchCounters counted = Counted("Uneven");
        MemoryCounters loads = counted.Memory["input"];
        (loads.Loads, loads.LoadedBytes, loads.LoadedSectors, loads.IdleLoadLanes).ShouldBe((2L, 160L, 5L, 24L));
        counted.IdleLanes.ShouldBeGreaterThanOrEqualTo(24);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)] // two words a bank
    [InlineData(4, 3)]
    [InlineData(32, 31)] // all in one bank
    [InlineData(33, 0)] // the padding that mends it
    public void Words_of_one_bank_cost_a_pass_each(int stride, int conflicts)
    {
        _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, int>(CounterKernels.SharedStride)((1, 32), _bench.Zeros<uint>(32), stride);

        LaunchCounters counted = Counted("SharedStride");
        (counted.SharedAccesses, counted.BankConflicts, counted.Barriers).ShouldBe((2L, 2L * conflicts, 1L));
        counted.SharedBytesPerGroup.ShouldBe(33 * 32 * 4);
    }

    [Theory]
    [InlineData(1, 0)] // 8 lanes x 16 bytes: every bank once
    [InlineData(2, 4)] // one pass more for each quarter of the warp
    public void Accesses_of_16_bytes_are_served_a_quarter_of_the_warp_at_a_time(int stride, int conflicts)
    {
        _bench.Accelerator.LoadStreamKernel<ArrayView<uint>, int>(CounterKernels.SharedWide)((1, 32), _bench.Zeros<uint>(32), stride);

        Counted("SharedWide").BankConflicts.ShouldBe(2 * conflicts);
    }

    [Fact]
    public void All_lanes_reading_one_word_is_no_conflict_and_shuffles_are_counted_by_warp()
    {
        _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(CounterKernels.BroadcastWord)((3, 64), _bench.Zeros<int>(64));

        LaunchCounters counted = Counted("BroadcastWord");
        (counted.Shuffles, counted.Barriers, counted.Warps, counted.BankConflicts).ShouldBe((3L * 2 * 2, 3L, 6L, 0L));
        counted.Instructions[InstructionClass.Shuffle].ShouldBe(counted.Shuffles);
    }

    [Fact]
    public void Launches_are_kept_apart_added_up_and_forgotten()
    {
        ArrayView<int> output = _bench.Zeros<int>(64);
        Action<KernelConfig, ArrayView<int>> launch = _bench.Accelerator.LoadStreamKernel<ArrayView<int>>(CounterKernels.BroadcastWord);
        launch((1, 32), output);
        launch((1, 32), output);
        _bench.Device.Synchronize();
        _bench.Software.CountAccesses = false;
        launch((1, 32), output);
        _bench.Device.Synchronize();

        _bench.Software.Launches.Count.ShouldBe(2);
        LaunchCounters sum = _bench.Software.Counted("BroadcastWord");
        sum.Launches.ShouldBe(2);
        sum.Shuffles.ShouldBe(2 * _bench.Software.Launches[0].Shuffles);
        _bench.Software.ClearCounters();
        Should.Throw<KeyNotFoundException>(() => _bench.Software.Counted("BroadcastWord"));
    }

    public void Dispose() => _bench.Dispose();

    private LaunchCounters Counted(string kernel)
    {
        _bench.Device.Synchronize();
        return _bench.Software.Counted(kernel);
    }
}
