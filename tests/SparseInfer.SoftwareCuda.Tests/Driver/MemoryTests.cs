using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Allocations, copies and fills, called as a C program calls them.</summary>
public unsafe class MemoryTests : IDisposable
{
    private readonly SoftwareCudaOptions _options = SoftwareCudaBackend.Options;
    private readonly nint _context;

    public MemoryTests()
    {
        SoftwareCudaBackend.Options = new SoftwareCudaOptions { MemoryBytes = 1 << 20 };
        _context = RawDriver.NewContext();
    }

    public void Dispose()
    {
        RawDriver.DestroyContext(_context);
        SoftwareCudaBackend.Options = _options;
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Allocation_takes_from_the_devices_memory_and_gives_back()
    {
        RawDriver.MemoryInfo(out nint free, out nint total).ShouldBe(CuResult.Success);
        total.ShouldBe(1 << 20);
        free.ShouldBe(total);
        nint address = RawDriver.Allocated(1000);
        (address % 512).ShouldBe(0);
        RawDriver.MemoryInfo(out free, out _);
        free.ShouldBe(total - 1000);

        RawDriver.Allocate(out _, total).ShouldBe(CuResult.OutOfMemory);
        RawDriver.Allocate(out _, -1).ShouldBe(CuResult.OutOfMemory);
        RawDriver.Allocate(out _, 0).ShouldBe(CuResult.InvalidValue);
        RawDriver.Free(address).ShouldBe(CuResult.Success);
        RawDriver.Allocate(out _, total).ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Memory_is_the_devices_not_the_contexts()
    {
        RawDriver.Allocated(600 << 10);
        nint second = RawDriver.NewContext();
        RawDriver.Allocate(out _, 600 << 10).ShouldBe(CuResult.OutOfMemory);
        RawDriver.DestroyContext(_context).ShouldBe(CuResult.Success);
        RawDriver.Allocate(out _, 600 << 10).ShouldBe(CuResult.Success);
        RawDriver.DestroyContext(second);
    }

    [Fact]
    public void Free_takes_the_beginning_of_an_allocation_once()
    {
        nint address = RawDriver.Allocated(1024);
        RawDriver.Free(0).ShouldBe(CuResult.Success);
        RawDriver.Free(address + 512).ShouldBe(CuResult.InvalidValue);
        RawDriver.Free(12345).ShouldBe(CuResult.InvalidValue);
        RawDriver.Free(address).ShouldBe(CuResult.Success);
        RawDriver.Free(address).ShouldBe(CuResult.InvalidValue);
    }

    [Fact]
    public void Copies_go_to_the_device_between_buffers_and_back()
    {
        byte[] bytes = [.. Enumerable.Range(0, 100).Select(value => (byte)value)];
        var back = new byte[100];
        nint first = RawDriver.Allocated(100);
        nint second = RawDriver.Allocated(100);
        fixed (byte* source = bytes, destination = back)
        {
            RawDriver.Copy(first, (nint)source, 100).ShouldBe(CuResult.Success);
            RawDriver.Copy(second, first, 100).ShouldBe(CuResult.Success);
            RawDriver.Fill(second + 10, 0xAB, 5).ShouldBe(CuResult.Success);
            RawDriver.Copy((nint)destination, second, 100).ShouldBe(CuResult.Success);
        }

        byte[] expected = [.. bytes];
        expected.AsSpan(10, 5).Fill(0xAB);
        back.ShouldBe(expected);
    }

    [Fact]
    public void Copies_stay_in_their_allocations()
    {
        nint address = RawDriver.Allocated(100);
        nint freed = RawDriver.Allocated(100);
        RawDriver.Free(freed);
        byte* host = stackalloc byte[200];
        RawDriver.Copy(address, (nint)host, 101).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy(address + 50, (nint)host, 51).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy((nint)host, address, 101).ShouldBe(CuResult.InvalidValue);
        RawDriver.Fill(address, 0, 101).ShouldBe(CuResult.InvalidValue);
        RawDriver.Fill((nint)host, 0, 10).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy(freed, (nint)host, 10).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy((nint)host, freed, 10).ShouldBe(CuResult.InvalidValue);
        RawDriver.Fill(freed, 0, 10).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy(0, address, 10).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy(address, (nint)host, -1).ShouldBe(CuResult.InvalidValue);
        RawDriver.Copy(address, (nint)host, 10, 12345).ShouldBe(CuResult.InvalidHandle);
        RawDriver.Copy(0, 0, 0).ShouldBe(CuResult.Success);
    }

    [Fact]
    public void Page_locked_memory_is_known_by_its_address()
    {
        RawDriver.AllocateHost(out nint own, 4096).ShouldBe(CuResult.Success);
        nint device = RawDriver.Allocated(64);
        void* registered = NativeMemory.AlignedAlloc(8192, 4096);
        try
        {
            RawDriver.MemoryType(out _, (nint)registered).ShouldBe(CuResult.InvalidValue);
            RawDriver.Register((nint)registered, 8192).ShouldBe(CuResult.Success);
            RawDriver.Register((nint)registered + 4096, 4096).ShouldBe(CuResult.HostMemoryAlreadyRegistered);
            RawDriver.MemoryType(out int type, (nint)registered + 100).ShouldBe(CuResult.Success);
            type.ShouldBe(1);
            RawDriver.MemoryType(out type, own).ShouldBe(CuResult.Success);
            type.ShouldBe(1);
            RawDriver.MemoryType(out type, device + 63).ShouldBe(CuResult.Success);
            type.ShouldBe(2);
            RawDriver.DevicePointer(out nint mapped, (nint)registered + 8).ShouldBe(CuResult.Success);
            mapped.ShouldBe((nint)registered + 8);
            RawDriver.DevicePointer(out _, device).ShouldBe(CuResult.InvalidValue);

            RawDriver.FreeHost((nint)registered).ShouldBe(CuResult.InvalidValue);
            RawDriver.Unregister(own).ShouldBe(CuResult.HostMemoryNotRegistered);
            RawDriver.Unregister((nint)registered).ShouldBe(CuResult.Success);
            RawDriver.Unregister((nint)registered).ShouldBe(CuResult.HostMemoryNotRegistered);
            RawDriver.Free(own).ShouldBe(CuResult.InvalidValue);
            RawDriver.FreeHost(own).ShouldBe(CuResult.Success);
            RawDriver.FreeHost(own).ShouldBe(CuResult.InvalidValue);
        }
        finally
        {
            NativeMemory.AlignedFree(registered);
        }
    }

    [Fact]
    public void Pointer_attributes_tell_whose_an_address_is()
    {
        nint device = RawDriver.Allocated(64);
        RawDriver.AllocateHost(out nint host, 64).ShouldBe(CuResult.Success);
        Attribute(1, device + 8).ShouldBe(_context);
        Attribute(1, host).ShouldBe(_context);
        Attribute(3, device + 8).ShouldBe(device + 8);
        Attribute(3, host + 8).ShouldBe(host + 8);
        Attribute(4, host + 8).ShouldBe(host + 8);
        Attribute(8, device).ShouldBe(0);
        RawDriver.PointerAttribute(out _, 4, device).ShouldBe(CuResult.InvalidValue); // the host cannot see it
        RawDriver.PointerAttribute(out _, 9999, device).ShouldBe(CuResult.InvalidValue);
        RawDriver.PointerAttribute(out _, 1, device + 64).ShouldBe(CuResult.InvalidValue);
        RawDriver.Free(device).ShouldBe(CuResult.Success);
        RawDriver.PointerAttribute(out _, 1, device).ShouldBe(CuResult.InvalidValue);

        static long Attribute(int attribute, nint address)
        {
            RawDriver.PointerAttribute(out long value, attribute, address).ShouldBe(CuResult.Success);
            return value;
        }
    }

    [Fact]
    public void Copies_between_contexts_find_the_owner()
    {
        nint address = RawDriver.Allocated(16);
        RawDriver.Fill(address, 7, 16);
        nint second = RawDriver.NewContext();
        nint other = RawDriver.Allocated(16);
        RawDriver.Copy(other, address, 16).ShouldBe(CuResult.Success);
        long value;
        RawDriver.Copy((nint)(&value), other, 8).ShouldBe(CuResult.Success);
        value.ShouldBe(0x0707070707070707);
        RawDriver.DestroyContext(second);
    }
}
