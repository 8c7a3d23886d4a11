using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda;

/// <summary>What the driver offers for one opened device beyond CUDA: counters, checks, and faults on request. Safe to be used by several threads.</summary>
public sealed class SoftwareCudaContext
{
    private readonly DriverContext _context;
    private int _parallelism = Environment.ProcessorCount;

    internal SoftwareCudaContext(DriverContext context)
    {
        _context = context;
    }

    /// <summary>The driver's side of an opened device.</summary>
    /// <exception cref="ArgumentException">The device is not <c>cuda-software</c>, or was disposed.</exception>
    public static SoftwareCudaContext Of(IlgpuDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Of(device.Accelerator)
            ?? throw new ArgumentException(
                device.Info.Kind == SoftwareCudaBackend.DeviceName
                    ? $"Device '{device.Name}' was disposed."
                    : $"Device '{device.Name}' is not {SoftwareCudaBackend.DeviceName}: only that one has a SoftwareCudaContext.",
                nameof(device));
    }

    /// <summary>The driver's side of an accelerator of ILGPU; null: it runs elsewhere, or was disposed.</summary>
    internal static SoftwareCudaContext? Of(ILGPU.Runtime.Accelerator accelerator) =>
        Handles.Find<DriverContext>(accelerator.NativePtr)?.Settings;

    /// <summary>Whether launches are counted from now on. Slower.</summary>
    public bool CountAccesses { get; set; }

    /// <summary>Whether races and reads of what nobody wrote are looked for; at first they are. Slower.</summary>
    public bool CheckRaces { get; set; } = true;

    /// <summary>Threads that execute groups, at least 1. Results do not depend on it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Parallelism
    {
        get => _parallelism;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _parallelism = value;
        }
    }

    /// <summary>Bytes of device memory that are allocated now.</summary>
    public long AllocatedBytes => _context.Memory.AllocatedBytes;

    /// <summary>The launches that were counted, oldest first.</summary>
    public IReadOnlyList<LaunchCounters> Launches => _context.Launches;

    /// <summary>What stopped a kernel; null: nothing did.</summary>
    public KernelFaultException? Fault => _context.Fault;

    /// <summary>Faults that happen on request.</summary>
    public DriverFaults Faults { get; } = new();

    /// <summary>Launches of one kernel that were counted, added up.</summary>
    /// <param name="kernel">The kernel method's name.</param>
    /// <exception cref="KeyNotFoundException">No launch of that kernel was counted.</exception>
    public LaunchCounters Counted(string kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        LaunchCounters[] all = _context.Launches;
        LaunchCounters[] launches = [.. all.Where(launch => launch.Kernel == kernel)];
        if (launches.Length > 0)
        {
            return LaunchCounters.Sum(kernel, launches);
        }

        string[] others = [.. all.Select(launch => launch.Kernel).Distinct()];
        throw new KeyNotFoundException(
            $"No launch of kernel '{kernel}' was counted; "
            + (others.Length > 0 ? $"those of {string.Join(", ", others)} were." : "none was: set CountAccesses before what is to be counted."));
    }

    /// <summary>Forgets what was counted.</summary>
    public void ClearCounters() => _context.ClearCounters();
}
