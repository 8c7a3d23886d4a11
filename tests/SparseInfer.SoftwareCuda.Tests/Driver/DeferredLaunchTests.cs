using ILGPU;
using ILGPU.Runtime;
using SparseInfer.SoftwareCuda.Driver;
using SparseInfer.SoftwareCuda.Tests.CompiledKernels;
using SparseInfer.SoftwareCuda.Tests.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Kernels that are executed when somebody waits: streams and events around them, and the waits that a program forgets.</summary>
public sealed unsafe class DeferredLaunchTests : IDisposable
{
    private readonly nint _context = RawDriver.NewContext();
    private readonly nint _function = LaunchTests.Function(
        Machine.Text("ld.global.u32 %r2, [%rd4];\nadd.u32 %r2, %r2, 1;\nst.global.u32 [%rd5], %r2;"), "Kernel_T");

    public DeferredLaunchTests() => Handles.Find<DriverContext>(_context)!.Settings.Faults.DeferWork = true;

    public void Dispose() => RawDriver.DestroyContext(_context);

    [Fact]
    public void Missing_wait_shows_in_what_a_kernel_reads()
    {
        using var bench = new Bench();
        Accelerator accelerator = bench.Accelerator;
        bench.Software.Faults.DeferWork = true;
        Action<KernelConfig, ArrayView<int>, ArrayView<int>> copies = bench.Device.LoadKernel<ArrayView<int>, ArrayView<int>>(FaultyKernels.Copies);
        using PageLockedArray1D<int> staging = accelerator.AllocatePageLocked1D<int>(32);
        using PageLockedArray1D<int> back = accelerator.AllocatePageLocked1D<int>(32);
        ArrayView<int> input = bench.Unwritten<int>(32);
        ArrayView<int> output = bench.Unwritten<int>(32);
        Run(wait: true).ShouldAllBe(value => value == 1);
        Run(wait: false).ShouldAllBe(value => value == 2);

        int[] Run(bool wait)
        {
            staging.Span.Fill(1);
            input.CopyFromPageLockedAsync(accelerator.DefaultStream, staging);
            copies((1, 32), input, output);
            if (wait)
            {
                bench.Device.Synchronize();
            }

            staging.Span.Fill(2); // the next upload, over the one before
            output.CopyToPageLockedAsync(accelerator.DefaultStream, back);
            bench.Device.Synchronize();
            return back.Span.ToArray();
        }
    }

    [Fact]
    public void Mapped_memory_is_read_when_the_kernel_runs()
    {
        RawDriver.AllocateHost(out nint host, 128).ShouldBe(CuResult.Success);
        RawDriver.DevicePointer(out nint mapped, host).ShouldBe(CuResult.Success);
        nint output = RawDriver.Allocated(128);
        RawDriver.Launch(_function, 1, 32, 0, mapped, output).ShouldBe(CuResult.Success);
        new Span<uint>((void*)host, 32).Fill(41);
        LaunchTests.Read(output).ShouldAllBe(value => value == 42);
    }

    [Fact]
    public void Event_is_done_with_the_kernels_before_it_and_no_more()
    {
        RawDriver.AllocateHost(out nint host, 256).ShouldBe(CuResult.Success);
        var values = new Span<uint>((void*)host, 64);
        RawDriver.CreateStream(out nint stream, 1).ShouldBe(CuResult.Success);
        RawDriver.CreateEvent(out nint between);
        RawDriver.LaunchOn(stream, _function, host, host + 128).ShouldBe(CuResult.Success);
        RawDriver.Record(between, stream);
        RawDriver.LaunchOn(stream, _function, host + 128, host).ShouldBe(CuResult.Success);
        values[32].ShouldBe(0u);
        RawDriver.Query(between).ShouldBe(CuResult.NotReady);

        RawDriver.SynchronizeEvent(between).ShouldBe(CuResult.Success);
        RawDriver.Query(between).ShouldBe(CuResult.Success);
        values[32].ShouldBe(1u);
        values[0].ShouldBe(0u);
        RawDriver.SynchronizeStream(stream).ShouldBe(CuResult.Success);
        values[0].ShouldBe(2u);
    }

    [Fact]
    public void Streams_are_each_in_order_and_those_that_wait_for_the_default_one_are_in_its()
    {
        RawDriver.AllocateHost(out nint host, 128).ShouldBe(CuResult.Success);
        var values = new Span<uint>((void*)host, 32);
        RawDriver.CreateStream(out nint own, 1).ShouldBe(CuResult.Success);
        RawDriver.CreateStream(out nint ordered, 0).ShouldBe(CuResult.Success);
        RawDriver.LaunchOn(0, _function, host, host);
        RawDriver.LaunchOn(ordered, _function, host, host);
        RawDriver.SynchronizeStream(own).ShouldBe(CuResult.Success);
        values[0].ShouldBe(0u);
        RawDriver.SynchronizeStream(ordered).ShouldBe(CuResult.Success);
        values[0].ShouldBe(2u);

        RawDriver.LaunchOn(own, _function, host, host);
        RawDriver.SynchronizeStream(0).ShouldBe(CuResult.Success);
        values[0].ShouldBe(2u);
        RawDriver.DestroyStream(own).ShouldBe(CuResult.Success); // what is on it is done first
        values[0].ShouldBe(3u);
    }

    [Fact]
    public void Fault_is_told_by_the_wait_not_by_the_launch()
    {
        nint tooShort = RawDriver.Allocated(64);
        RawDriver.Fill(tooShort, 1, 64);
        RawDriver.CreateEvent(out nint after);
        RawDriver.Launch(_function, 1, 32, 0, tooShort, tooShort).ShouldBe(CuResult.Success);
        RawDriver.Record(after).ShouldBe(CuResult.Success);
        RawDriver.Allocate(out _, 16).ShouldBe(CuResult.Success);
        RawDriver.SynchronizeEvent(after).ShouldBe(CuResult.IllegalAddress);
        RawDriver.Allocate(out _, 16).ShouldBe(CuResult.IllegalAddress);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Free_and_unload_wait_for_kernels_that_need_what_goes(bool frees)
    {
        RawDriver.AllocateHost(out nint host, 128).ShouldBe(CuResult.Success);
        nint input = RawDriver.Allocated(128);
        RawDriver.Fill(input, 0, 128);
        RawDriver.LoadModule(out nint module, Machine.Text("ld.global.u32 %r2, [%rd4];\nadd.u32 %r2, %r2, 7;\nst.global.u32 [%rd5], %r2;"), out _);
        RawDriver.Function(out nint function, module, "Kernel_T").ShouldBe(CuResult.Success);
        RawDriver.Launch(function, 1, 32, 0, input, host).ShouldBe(CuResult.Success);
        (frees ? RawDriver.Free(input) : RawDriver.UnloadModule(module)).ShouldBe(CuResult.Success);
        new Span<uint>((void*)host, 32).ToArray().ShouldAllBe(value => value == 7);
    }
}
