using System.Collections.Immutable;

namespace ILGPU.Runtime;

public enum AcceleratorType
{
    CPU,
    Cuda,
    OpenCL,
}

public interface IAcceleratorBuilder
{
    AcceleratorType AcceleratorType { get; }

    Accelerator CreateAccelerator(Context context);
}

/// <summary>A device that accelerators are made for.</summary>
public abstract class Device : IAcceleratorBuilder
{
    private protected Device(AcceleratorType acceleratorType)
    {
        AcceleratorType = acceleratorType;
    }

    public AcceleratorType AcceleratorType { get; }

    public string Name { get; protected set; } = "<Unknown>";

    public long MemorySize { get; protected set; }

    public Index3D MaxGridSize { get; protected set; }

    public Index3D MaxGroupSize { get; protected set; }

    public int MaxNumThreadsPerGroup { get; protected set; }

    public int MaxSharedMemoryPerGroup { get; protected set; }

    public int MaxConstantMemory { get; protected set; }

    public int WarpSize { get; protected set; }

    public int NumMultiprocessors { get; protected set; }

    public int MaxNumThreadsPerMultiprocessor { get; protected set; }

    public int MaxNumThreads => NumMultiprocessors * MaxNumThreadsPerMultiprocessor;

    public abstract Accelerator CreateAccelerator(Context context);

    public override string ToString() =>
        $"{Name} [Type: {AcceleratorType}, WarpSize: {WarpSize}, MaxNumThreadsPerGroup: {MaxNumThreadsPerGroup}, MemorySize: {MemorySize}]";
}

/// <summary>Collects the devices of a context.</summary>
public sealed class DeviceRegistry
{
    private readonly List<Device> _devices = [];

    public int Count => _devices.Count;

    public void Register(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!_devices.Contains(device))
            _devices.Add(device);
    }

    public void Register<TDevice>(TDevice device, Predicate<TDevice> predicate)
        where TDevice : Device
    {
        ArgumentNullException.ThrowIfNull(predicate);
        if (predicate(device))
            Register(device);
    }

    public ImmutableArray<Device> ToImmutable() => [.. _devices];
}
