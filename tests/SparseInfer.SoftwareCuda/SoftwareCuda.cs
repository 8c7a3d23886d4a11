namespace SparseInfer.SoftwareCuda;

/// <summary>A CUDA device in software: ILGPU's CUDA accelerator, the PTX it compiles, and a driver that executes that on the CPU and checks it.</summary>
public static class SoftwareCudaBackend
{
    /// <summary>The name to give <see cref="Device.Open"/>.</summary>
    public const string DeviceName = "cuda-software";

    /// <summary>
    /// From now on <see cref="Device.Open"/> knows <see cref="DeviceName"/>. Nothing is loaded before it is asked for, and no real driver is
    /// hidden by the call. May be called any number of times.
    /// </summary>
    public static void Register() => throw new NotImplementedException();
}
