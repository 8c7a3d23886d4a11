using SparseInfer.SoftwareCuda.Driver;

namespace SparseInfer.SoftwareCuda;

/// <summary>A CUDA device in software: ILGPU's CUDA accelerator, the PTX it compiles, and a driver that executes that on the CPU and checks it.</summary>
public static class SoftwareCudaBackend
{
    /// <summary>The name to give <see cref="Device.Open"/>; a second device is <c>cuda-software:1</c>.</summary>
    public const string DeviceName = SoftwareDriver.Kind;

    /// <summary>What devices that are opened from now on say of themselves. Those that are open keep what they said.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value that no device has.</exception>
    public static SoftwareCudaOptions Options
    {
        get => SoftwareDriverState.Options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            SoftwareDriverState.Options = value;
        }
    }

    /// <summary>
    /// From now on <see cref="Device.Open"/> knows <see cref="DeviceName"/>. Nothing is loaded before it is asked for, and no real driver is
    /// hidden by the call. May be called any number of times.
    /// </summary>
    public static void Register()
    {
        CudaBinding.Registered = SoftwareDriverForIlgpu.Instance;
        IlgpuBackend.Register();
    }
}
