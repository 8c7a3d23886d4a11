using System.Runtime.InteropServices;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Allocations of the device and of the host.</summary>
internal static unsafe class MemoryCalls
{
    private const int PointerContext = 1;
    private const int PointerMemoryType = 2;
    private const int PointerDevice = 3;
    private const int PointerHost = 4;
    private const int PointerIsManaged = 8;
    private const int HostType = 1;
    private const int DeviceType = 2;

    [UnmanagedCallersOnly]
    public static CuResult GetInfo(nint* free, nint* total) => InContext(context =>
    {
        Require(free is not null && total is not null);
        *total = (nint)context.Options.MemoryBytes;
        *free = (nint)Math.Max(0, context.Options.MemoryBytes - SoftwareDriverState.AllocatedBytes(context.Device));
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult Allocate(nint* address, nint bytes) => InContext(context =>
    {
        Require(address is not null && bytes != 0);
        long room = context.Options.MemoryBytes - SoftwareDriverState.AllocatedBytes(context.Device);
        if (context.Settings.Faults.MemoryLimit is { } limit)
        {
            room = Math.Min(room, limit - context.Memory.AllocatedBytes);
        }

        if (context.Settings.Faults.TakeAllocation() || bytes < 0 || bytes > room)
        {
            return CuResult.OutOfMemory;
        }

        *address = context.Memory.Allocate(bytes);
        return CuResult.Success;
    });

    /// <summary>Waits for everything first, as CUDA's does.</summary>
    [UnmanagedCallersOnly]
    public static CuResult Free(nint address) => InContext(context =>
    {
        if (address == 0)
        {
            return CuResult.Success;
        }

        Require(context.Memory.TryFind(address, out nint start, out _) && start == address && !context.Host.StartsAt(start));
        context.Work.FinishAll();
        Require(context.Memory.Free(address));
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult AllocateHost(nint* address, nint bytes) => InContext(context =>
    {
        Require(address is not null && bytes != 0);
        if (bytes < 0)
        {
            return CuResult.OutOfMemory;
        }

        *address = context.Host.Allocate(bytes);
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult FreeHost(nint address) => InContext(context =>
    {
        context.Work.FinishAll();
        Require(context.Host.Free(address));
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult RegisterHost(nint address, nint bytes, uint flags) => InContext(context =>
    {
        Require(address != 0 && bytes > 0 && flags <= 0xF);
        return context.Host.Register(address, bytes) ? CuResult.Success : CuResult.HostMemoryAlreadyRegistered;
    });

    [UnmanagedCallersOnly]
    public static CuResult UnregisterHost(nint address) => InContext(context =>
    {
        Require(address != 0);
        context.Work.FinishAll();
        return context.Host.Unregister(address) ? context.Failure : CuResult.HostMemoryNotRegistered;
    });

    [UnmanagedCallersOnly]
    public static CuResult HostDevicePointer(nint* device, nint host, uint flags) => InContext(context =>
    {
        Require(device is not null && flags == 0);
        Require(context.Memory.TryFind(host, out nint start, out _) && context.Host.StartsAt(start));
        *device = host;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult PointerAttribute(void* value, int attribute, nint address) => InContext(context =>
    {
        Require(value is not null);
        var place = MemoryPlace.Of(context, address, 0);
        Require(!place.IsPageable);
        switch (attribute)
        {
            case PointerContext:
                *(nint*)value = place.Owner!.Handle;
                break;
            case PointerMemoryType:
                *(int*)value = place.IsDevice ? DeviceType : HostType;
                break;
            case PointerDevice:
                *(nint*)value = address;
                break;
            case PointerHost when !place.IsDevice:
                *(nint*)value = address;
                break;
            case PointerIsManaged:
                *(int*)value = 0;
                break;
            default:
                return CuResult.InvalidValue;
        }

        return CuResult.Success;
    });
}
