namespace SparseInfer;

/// <summary>Makes ILGPU's devices known to <see cref="Device"/>. Generated programs do it when their assembly is loaded.</summary>
public static class IlgpuBackend
{
    /// <summary>
    /// From now on <see cref="Device.Open"/> knows <c>cuda</c>, <c>cuda:1</c>, <c>opencl</c> and <c>ilgpu-cpu</c>, and
    /// <see cref="Device.Best"/> prefers a CUDA device. Nothing is loaded before one of them is asked. May be called any number of times.
    /// </summary>
    public static void Register() => Device.Register(IlgpuDeviceProvider.Instance);
}
