using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using SparseInfer.Runtime;
using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Faults on request, and what ILGPU and the runtime make of them.</summary>
public class FaultTests : IDisposable
{
    private readonly IlgpuDevice _device;
    private readonly SoftwareCudaContext _software;

    public FaultTests()
    {
        SoftwareCudaBackend.Register();
        _device = (IlgpuDevice)Device.Open("cuda-software");
        _software = SoftwareCudaContext.Of(_device);
    }

    public void Dispose()
    {
        _device.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Nth_allocation_finds_no_room_and_the_device_stays_well()
    {
        Accelerator accelerator = _device.Accelerator;
        _software.Faults.FailAllocation = 2;
        using MemoryBuffer1D<int, Stride1D.Dense> first = accelerator.Allocate1D<int>(10);
        Should.Throw<CudaException>(() => accelerator.Allocate1D<int>(10)).Error.ShouldBe("CUDA_ERROR_OUT_OF_MEMORY");
        using MemoryBuffer1D<int, Stride1D.Dense> third = accelerator.Allocate1D<int>(10);
        _software.AllocatedBytes.ShouldBe(80);
    }

    [Fact]
    public void Refused_ptx_is_no_loss()
    {
        Accelerator accelerator = _device.Accelerator;
        _software.Faults.RefusePtx = true;
        Should.Throw<CudaException>(() => accelerator.LoadStreamKernel<ArrayView<int>>(WriteIndex)).Message.ShouldContain("unsupported toolchain");
        accelerator.Synchronize();
    }

    [Fact]
    public void Lost_device_fails_every_call_and_says_why()
    {
        DeviceBuffer<int> buffer = _device.Allocate<int>(4, "a test");
        _software.Faults.Lost = true;
        string message = Should.Throw<DeviceLostException>(_device.Synchronize).Message;
        message.ShouldContain("cuda-software");
        message.ShouldContain("lost, on request");
        _software.Faults.Lost = false;
        Should.Throw<CudaException>(_device.Accelerator.Synchronize);
        GC.KeepAlive(buffer);
    }

    [Fact]
    public void Copy_of_memory_that_nobody_wrote_is_told_and_can_be_left_unchecked()
    {
        MemoryBuffer1D<int, Stride1D.Dense> unwritten = _device.Accelerator.Allocate1D<int>(10);
        MemoryBuffer1D<int, Stride1D.Dense> copy = _device.Accelerator.Allocate1D<int>(10);
        unwritten.View.SubView(0, 5).CopyFromCPU([1, 2, 3, 4, 5]);
        copy.View.CopyFrom(unwritten.View); // what was not written is not written there either
        var host = new int[10];
        copy.View.SubView(0, 5).CopyToCPU(host.AsSpan(0, 5).ToArray());
        _software.CheckRaces = false;
        copy.View.CopyToCPU(host);
        host[..5].ShouldBe([1, 2, 3, 4, 5]);

        _software.CheckRaces = true;
        Should.Throw<CudaException>(() => copy.View.CopyToCPU(host));
        Should.Throw<DeviceLostException>(_device.Synchronize).Message.ShouldContain("from its byte 20 on");
    }

    [Fact]
    public void Deferred_work_is_done_when_somebody_waits()
    {
        Accelerator accelerator = _device.Accelerator;
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = accelerator.Allocate1D<int>(4);
        using PageLockedArray1D<int> pinned = accelerator.AllocatePageLocked1D<int>(4);
        using PageLockedArray1D<int> back = accelerator.AllocatePageLocked1D<int>(4);
        _software.Faults.DeferWork = true;
        using AcceleratorStream stream = accelerator.CreateStream();
        pinned.Span.Fill(1);
        back.Span.Fill(-1);
        buffer.View.CopyFromPageLockedAsync(stream, pinned);
        pinned.Span.Fill(2); // without a wait: it is this that arrives
        buffer.View.CopyToPageLockedAsync(stream, back);
        back[0].ShouldBe(-1);
        accelerator.DefaultStream.Synchronize(); // another stream
        back[0].ShouldBe(-1);
        stream.Synchronize();
        back.Span.ToArray().ShouldBe([2, 2, 2, 2]);
    }

    [Fact]
    public void Deferred_copy_of_pageable_memory_takes_its_bytes_at_once()
    {
        nint context = RawDriver.NewContext();
        Handles.Find<DriverContext>(context)!.Settings.Faults.DeferWork = true;
        nint buffer = RawDriver.Allocated(8);
        RawDriver.CreateEvent(out nint start);
        RawDriver.CreateEvent(out nint end);
        long value = 1;
        long back = 0;
        unsafe
        {
            RawDriver.Record(start);
            RawDriver.Copy(buffer, (nint)(&value), 8);
            RawDriver.Record(end);
            value = 2;
            RawDriver.Query(end).ShouldBe(CuResult.NotReady);
            RawDriver.Elapsed(out _, start, end).ShouldBe(CuResult.NotReady);
            RawDriver.SynchronizeEvent(end).ShouldBe(CuResult.Success);
            RawDriver.Query(end).ShouldBe(CuResult.Success);
            RawDriver.Fill(buffer, 3, 4);
            RawDriver.Copy((nint)(&back), buffer, 8).ShouldBe(CuResult.Success); // waits
        }

        back.ShouldBe(0x0000_0000_0303_0303);
        RawDriver.DestroyContext(context);
    }

    [Fact]
    public unsafe void Move_objects_moves_what_is_not_pinned_at_each_call()
    {
        _software.Faults.MoveObjects = true;
        GC.KeepAlive(new byte[10_000]); // room to move to
        int[] loose = [1, 2, 3];
        GC.KeepAlive(new byte[10_000]); // none that a pinned neighbour holds
        int[] held = [4, 5, 6];
        nint before = (nint)Unsafe.AsPointer(ref loose[0]);
        fixed (int* pinned = held)
        {
            _device.Synchronize();
            ((nint)Unsafe.AsPointer(ref held[0])).ShouldBe((nint)pinned);
        }

        ((nint)Unsafe.AsPointer(ref loose[0])).ShouldNotBe(before);
        loose.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void Two_devices_are_apart_and_each_frees_everything()
    {
        var other = (IlgpuDevice)Device.Open("cuda-software");
        SoftwareCudaContext second = SoftwareCudaContext.Of(other);
        using DeviceBuffer<int> buffer = _device.Allocate<int>(100, "a test");
        _software.AllocatedBytes.ShouldBe(400);
        second.AllocatedBytes.ShouldBe(0);
        second.Faults.Lost = true;
        Should.Throw<DeviceLostException>(other.Synchronize);
        _device.Synchronize();

        other.Dispose();
        int contexts = SoftwareDriverState.Contexts.Length;
        _device.Dispose();
        SoftwareDriverState.Contexts.Length.ShouldBe(contexts - 1);
        _software.AllocatedBytes.ShouldBe(0);
    }

    internal static void WriteIndex(ArrayView<int> view) => view[Grid.GlobalIndex.X] = Grid.GlobalIndex.X;
}
