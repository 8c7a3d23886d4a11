using System.Collections.Immutable;

namespace ILGPU.Runtime.CPU;

public enum CPUDeviceKind
{
    Default,
    Nvidia,
    AMD,
    LegacyAMD,
    Intel,
}

public enum CPUAcceleratorMode
{
    Auto = 0,
    Sequential = 1,
    Parallel = 2,
}

/// <summary>The stand-in's device, in the place where ILGPU has the processor: warps of 32 lanes, 48 KiB of shared memory a
/// group, whatever kind is asked for.</summary>
public sealed class CPUDevice : Device
{
    public static readonly CPUDevice Default = new(32, 32, 1);

    public static readonly CPUDevice Nvidia = Default;

    public static readonly ImmutableArray<CPUDevice> All = [Default];

    /// <summary>A stand-in device.</summary>
    /// <param name="numThreadsPerWarp">Must be 32: no other warp is simulated.</param>
    /// <param name="numWarpsPerMultiprocessor">Warps a group may have, at most 32.</param>
    /// <param name="numMultiprocessors">Told to whoever asks; without effect.</param>
    public CPUDevice(int numThreadsPerWarp, int numWarpsPerMultiprocessor, int numMultiprocessors)
        : base(AcceleratorType.CPU)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(numThreadsPerWarp, 32);
        ArgumentOutOfRangeException.ThrowIfLessThan(numWarpsPerMultiprocessor, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(numWarpsPerMultiprocessor, 32);
        ArgumentOutOfRangeException.ThrowIfLessThan(numMultiprocessors, 1);
        Name = "stand-in";
        WarpSize = 32;
        MaxNumThreadsPerGroup = 32 * numWarpsPerMultiprocessor;
        MaxNumThreadsPerMultiprocessor = MaxNumThreadsPerGroup;
        NumMultiprocessors = numMultiprocessors;
        MaxGroupSize = new Index3D(MaxNumThreadsPerGroup, MaxNumThreadsPerGroup, 64);
        MaxGridSize = new Index3D(int.MaxValue, ushort.MaxValue, ushort.MaxValue);
        MemorySize = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        MaxSharedMemoryPerGroup = 48 * 1024;
        MaxConstantMemory = 64 * 1024;
    }

    public int NumThreads => MaxNumThreads;

    public static CPUDevice GetDevice(CPUDeviceKind kind) => Default;

    public static ImmutableArray<Device> GetDevices(Predicate<CPUDevice> predicate)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return [.. All.Where(device => predicate(device))];
    }

    public override Accelerator CreateAccelerator(Context context) => CreateCPUAccelerator(context);

    public CPUAccelerator CreateCPUAccelerator(Context context) => CreateCPUAccelerator(context, CPUAcceleratorMode.Auto);

    public CPUAccelerator CreateCPUAccelerator(Context context, CPUAcceleratorMode mode) => new(context, this, mode);

    public CPUAccelerator CreateCPUAccelerator(Context context, CPUAcceleratorMode mode, ThreadPriority threadPriority) =>
        new(context, this, mode);
}

public static class CPUContextExtensions
{
    public static Context.Builder DefaultCPU(this Context.Builder builder) => builder.CPU(CPUDeviceKind.Default);

    public static Context.Builder CPU(this Context.Builder builder, CPUDeviceKind kind) => builder.CPU(CPUDevice.GetDevice(kind));

    public static Context.Builder CPU(this Context.Builder builder, CPUDevice device)
    {
        builder.DeviceRegistry.Register(device);
        return builder;
    }

    public static Context.Builder CPU(this Context.Builder builder) => builder.CPU(_ => true);

    public static Context.Builder CPU(this Context.Builder builder, Predicate<CPUDevice> predicate)
    {
        foreach (var device in CPUDevice.GetDevices(predicate))
            builder.DeviceRegistry.Register(device);
        return builder;
    }

    public static CPUDevice GetCPUDevice(this Context context, int cpuDeviceIndex) => context.GetDevice<CPUDevice>(cpuDeviceIndex);

    public static Context.DeviceCollection<CPUDevice> GetCPUDevices(this Context context) => context.GetDevices<CPUDevice>();

    public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context);

    public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex, CPUAcceleratorMode mode) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context, mode);

    public static CPUAccelerator CreateCPUAccelerator(
        this Context context,
        int cpuDeviceIndex,
        CPUAcceleratorMode mode,
        ThreadPriority threadPriority) => context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context, mode, threadPriority);
}
