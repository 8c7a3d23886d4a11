using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.SoftwareCuda;

/// <summary>What the driver offers for one opened device beyond CUDA: counters, checks, and faults on request.</summary>
public sealed class SoftwareCudaContext
{
    private SoftwareCudaContext()
    {
    }

    /// <summary>The driver's side of an opened device.</summary>
    /// <exception cref="ArgumentException">The device is not <c>cuda-software</c>, or was disposed.</exception>
    public static SoftwareCudaContext Of(IlgpuDevice device) => throw new NotImplementedException();

    /// <summary>Whether launches are counted from now on. Slower.</summary>
    public bool CountAccesses { get; set; }

    /// <summary>Whether races and reads of what nobody wrote are looked for; at first they are. Slower.</summary>
    public bool CheckRaces { get; set; } = true;

    /// <summary>Threads that execute groups, at least 1. Results do not depend on it.</summary>
    public int Parallelism { get; set; } = Environment.ProcessorCount;

    /// <summary>Bytes of device memory that are allocated now.</summary>
    public long AllocatedBytes => throw new NotImplementedException();

    /// <summary>The launches that were counted, oldest first.</summary>
    public IReadOnlyList<LaunchCounters> Launches => throw new NotImplementedException();

    /// <summary>What stopped a kernel; null: nothing did.</summary>
    public KernelFaultException? Fault => throw new NotImplementedException();

    /// <summary>Faults that happen on request.</summary>
    public DriverFaults Faults { get; } = new();

    /// <summary>Launches of one kernel that were counted, added up.</summary>
    /// <param name="kernel">The kernel method's name.</param>
    /// <exception cref="KeyNotFoundException">No launch of that kernel was counted.</exception>
    public LaunchCounters Counted(string kernel) => throw new NotImplementedException();

    /// <summary>Forgets what was counted.</summary>
    public void ClearCounters() => throw new NotImplementedException();
}

/// <summary>What a driver does on request, so that the host's answer can be seen.</summary>
public sealed class DriverFaults
{
    /// <summary>The n-th launch from now on fails, 1 the next; 0: none does.</summary>
    public int FailLaunch { get; set; }

    /// <summary>PTX is refused from now on, as by a driver that is too old for it.</summary>
    public bool RefusePtx { get; set; }

    /// <summary>The n-th allocation from now on finds no room, 1 the next; 0: none does.</summary>
    public int FailAllocation { get; set; }

    /// <summary>The device is gone from now on: every call fails.</summary>
    public bool Lost { get; set; }

    /// <summary>Work is done when somebody waits for it, and not before, so that a missing wait shows.</summary>
    public bool DeferWork { get; set; }
}
