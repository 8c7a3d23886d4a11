using SparseInfer;
using SparseInfer.SoftwareCuda;

namespace Stories;

/// <summary>ILGPU's devices, and the CUDA device in software. A program that is compiled ahead of time has NoGpus.cs in this file's place.</summary>
internal static class Gpus
{
    public static void Register() => SoftwareCudaBackend.Register();

    /// <summary>How many threads execute kernels, where those are executed in software.</summary>
    public static void LimitThreads(Device device, int threads)
    {
        if (device is IlgpuDevice { Info.Kind: SoftwareCudaBackend.DeviceName } software)
        {
            SoftwareCudaContext.Of(software).Parallelism = threads;
        }
    }

    /// <summary>Whether it is a device's failure.</summary>
    public static bool HasFailed(Exception exception) => exception is DeviceLostException or InsufficientDeviceMemoryException or KernelRefusedException;
}
