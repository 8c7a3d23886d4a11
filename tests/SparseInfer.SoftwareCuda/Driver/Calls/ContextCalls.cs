using System.Runtime.InteropServices;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Contexts.</summary>
internal static unsafe class ContextCalls
{
    private const int MaxCacheConfiguration = 3;
    private const int MaxBankConfiguration = 2;

    [UnmanagedCallersOnly]
    public static CuResult Create(nint* context, uint flags, int device) => Initialized(() =>
    {
        Require(context is not null && flags <= 0x1F);
        DeviceCalls.RequireDevice(device);
        var made = new DriverContext(device, SoftwareDriverState.Options);
        made.Options.WhenOpened?.Invoke(made.Settings);
        SoftwareDriverState.Current = made;
        *context = made.Handle;
        return CuResult.Success;
    });

    /// <summary>Frees everything of a context, in a failed one too.</summary>
    [UnmanagedCallersOnly]
    public static CuResult Destroy(nint context) => Initialized(() =>
    {
        if (Handles.Find<DriverContext>(context) is not { } found)
        {
            return CuResult.InvalidContext;
        }

        return Alone(found, () =>
        {
            found.Work.FinishAll();
            bool isLost = found.Settings.Faults.Lost;
            found.Destroy();
            if (SoftwareDriverState.Current == found)
            {
                SoftwareDriverState.Current = null;
            }

            return isLost ? found.Failure : CuResult.Success;
        });
    });

    [UnmanagedCallersOnly]
    public static CuResult SetCurrent(nint context) => Initialized(() =>
    {
        if (context == 0)
        {
            SoftwareDriverState.Current = null;
            return CuResult.Success;
        }

        if (Handles.Find<DriverContext>(context) is not { } found)
        {
            return CuResult.InvalidContext;
        }

        SoftwareDriverState.Current = found;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult Synchronize() => InContext(static context =>
    {
        context.Work.FinishAll();
        return context.Failure;
    });

    [UnmanagedCallersOnly]
    public static CuResult GetCacheConfig(int* configuration) => InContext(context =>
    {
        Require(configuration is not null);
        *configuration = context.CacheConfiguration;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult SetCacheConfig(int configuration) => InContext(context =>
    {
        Require(configuration is >= 0 and <= MaxCacheConfiguration);
        context.CacheConfiguration = configuration;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult GetSharedMemConfig(int* configuration) => InContext(context =>
    {
        Require(configuration is not null);
        *configuration = context.BankConfiguration;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult SetSharedMemConfig(int configuration) => InContext(context =>
    {
        Require(configuration is >= 0 and <= MaxBankConfiguration);
        context.BankConfiguration = configuration;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult EnablePeerAccess(nint peer, uint flags) => InContext(context =>
    {
        Require(flags == 0);
        return Handles.Find<DriverContext>(peer) is { } found && found != context ? CuResult.PeerAccessUnsupported : CuResult.InvalidContext;
    });

    [UnmanagedCallersOnly]
    public static CuResult DisablePeerAccess(nint peer) => InContext(_ =>
        Handles.Find<DriverContext>(peer) is null ? CuResult.InvalidContext : CuResult.PeerAccessNotEnabled);
}
