using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>
/// A context: memory, streams, events and modules of one opened device, and its failure, if it has one. All members but what is immutable are
/// used while <see cref="Gate"/> is held.
/// </summary>
internal sealed class DriverContext
{
    private readonly HashSet<nint> _handles = [];
    private readonly List<LaunchCounters> _launches = [];
    private CuResult _failure;

    public DriverContext(int device, SoftwareCudaOptions options)
    {
        Device = device;
        Options = options;
        Settings = new SoftwareCudaContext(this);
        Work = new WorkQueues(this);
        Host = new HostMemory(Memory);
        Handle = Handles.Add(this);
        SoftwareDriverState.Add(this);
    }

    public Lock Gate { get; } = new();

    public nint Handle { get; }

    public int Device { get; }

    public SoftwareCudaOptions Options { get; }

    /// <summary>What a user asks of it: counters, checks, faults.</summary>
    public SoftwareCudaContext Settings { get; }

    public DeviceMemory Memory { get; } = new();

    /// <summary>Memory of the host that is page-locked.</summary>
    public HostMemory Host { get; }

    /// <summary>What was enqueued.</summary>
    public WorkQueues Work { get; }

    /// <summary>Whether it is gone; a thread may still have it for its current one.</summary>
    public bool IsDestroyed { get; private set; }

    /// <summary>What was set by cuCtxSetCacheConfig; nothing depends on it.</summary>
    public int CacheConfiguration { get; set; }

    /// <summary>What was set by cuCtxSetSharedMemConfig; nothing depends on it.</summary>
    public int BankConfiguration { get; set; }

    /// <summary>What stopped a kernel; null: nothing did.</summary>
    public KernelFaultException? Fault { get; private set; }

    /// <summary>The last failure in words: a kernel's fault, refused PTX; null: there was none.</summary>
    public string? FailureText { get; private set; }

    /// <summary>What every call answers from now on; <see cref="CuResult.Success"/>: the context is well.</summary>
    public CuResult Failure
    {
        get
        {
            if (_failure == CuResult.Success && Settings.Faults.Lost)
            {
                Fail(CuResult.Unknown, "The device was lost, on request.");
            }

            return _failure;
        }
    }

    /// <summary>What was counted.</summary>
    public LaunchCounters[] Launches
    {
        get
        {
            lock (_launches)
            {
                return [.. _launches];
            }
        }
    }

    /// <summary>Fails for good, as a context does after a kernel's fault.</summary>
    public void Fail(CuResult result, string text)
    {
        if (_failure == CuResult.Success)
        {
            _failure = result;
            FailureText = text;
        }
    }

    /// <summary>Fails for good by what a kernel, or a copy, did.</summary>
    public void Fail(KernelFaultException fault)
    {
        if (_failure == CuResult.Success)
        {
            Fault = fault;
        }

        Fail(
            fault.Kind switch
            {
                KernelFaultKind.OutOfBounds or KernelFaultKind.FreedMemory => CuResult.IllegalAddress,
                KernelFaultKind.Misaligned => CuResult.MisalignedAddress,
                _ => CuResult.LaunchFailed,
            },
            fault.Message);
    }

    /// <summary>Notes why something was refused; the context stays well.</summary>
    public void Note(string text)
    {
        if (_failure == CuResult.Success)
        {
            FailureText = text;
        }
    }

    public void Count(LaunchCounters counters)
    {
        lock (_launches)
        {
            _launches.Add(counters);
        }
    }

    public void ClearCounters()
    {
        lock (_launches)
        {
            _launches.Clear();
        }
    }

    /// <summary>A handle for a thing of this context, that goes with it.</summary>
    public nint Own(object owned)
    {
        nint handle = Handles.Add(owned);
        _handles.Add(handle);
        return handle;
    }

    public void Disown(nint handle)
    {
        _handles.Remove(handle);
        Handles.Remove(handle);
    }

    /// <summary>Frees everything.</summary>
    public void Destroy()
    {
        IsDestroyed = true;
        SoftwareDriverState.Remove(this);
        Handles.Remove(Handle);
        foreach (nint handle in _handles)
        {
            Handles.Remove(handle);
        }

        Work.Clear();
        Host.Dispose();
        Memory.Dispose();
    }
}
