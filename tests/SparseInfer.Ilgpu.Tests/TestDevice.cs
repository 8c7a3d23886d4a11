using SparseInfer.SoftwareCuda;
using SparseInfer.SoftwareCuda.Counting;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>The device that tests run on: ILGPU's PTX, executed and checked on the CPU.</summary>
internal static class TestDevice
{
    public static IlgpuDevice Open()
    {
        SoftwareCudaBackend.Register();
        return (IlgpuDevice)Device.Open(SoftwareCudaBackend.DeviceName);
    }

    /// <summary>The kernels that something launches, in their order.</summary>
    public static IReadOnlyList<string> Launches(IlgpuDevice device, Action run) => [.. Count(device, run).Select(launch => launch.Kernel)];

    /// <summary>What each launch did.</summary>
    public static IReadOnlyList<LaunchCounters> Count(IlgpuDevice device, Action run)
    {
        SoftwareCudaContext software = SoftwareCudaContext.Of(device);
        software.ClearCounters();
        software.CountAccesses = true;
        try
        {
            run();
            return software.Launches;
        }
        finally
        {
            software.CountAccesses = false;
        }
    }
}
