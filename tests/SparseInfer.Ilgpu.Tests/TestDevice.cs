#if STANDIN
using SparseInfer.Ilgpu.StandIn;
#endif

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The device that tests run on.</summary>
internal static class TestDevice
{
    public static IlgpuDevice Open()
    {
        IlgpuBackend.Register();
#if STANDIN
        return (IlgpuDevice)Device.Open("standin");
#else
        return (IlgpuDevice)Device.Open("ilgpu-cpu");
#endif
    }
#if STANDIN

    /// <summary>The kernels that something launches, in their order.</summary>
    public static IReadOnlyList<string> Launches(IlgpuDevice device, Action run) => [.. Count(device, run).Select(launch => launch.Kernel)];

    /// <summary>What each launch did.</summary>
    public static IReadOnlyList<LaunchCounters> Count(IlgpuDevice device, Action run)
    {
        StandInControl control = device.Accelerator.StandIn();
        control.ClearCounters();
        control.CountAccesses = true;
        try
        {
            run();
            return control.Launches;
        }
        finally
        {
            control.CountAccesses = false;
        }
    }
#endif
}
