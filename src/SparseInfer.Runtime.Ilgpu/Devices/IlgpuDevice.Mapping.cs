using ILGPU;
using ILGPU.Runtime.Cuda;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;

namespace SparseInfer;

/// <content>Weights that stay in the host's memory.</content>
public sealed partial class IlgpuDevice
{
    /// <summary>
    /// What a mapped matrix begins at a multiple of, as rows do in the host's memory and in prepared files. ILGPU compiles as if each view
    /// began at a multiple of 256, but loads 16 bytes at most.
    /// </summary>
    private const int MappedAlignment = 64;

    private bool _mapsWeights;

    /// <summary>Whether the device shares the machine's memory, as a Jetson's GPU does, and its driver can map what lies there.</summary>
    public bool CanMapWeights =>
        Accelerator is CudaAccelerator cuda
        && cuda.Device.SupportsMappingHostMemory
        && CudaAPI.CurrentAPI.GetDeviceAttribute(DeviceAttributeKind.CU_DEVICE_ATTRIBUTE_INTEGRATED, cuda.DeviceId) != 0;

    /// <summary>
    /// Whether models that are loaded from now on leave in the host's memory, locked and mapped, what kernels can read as it lies there: F32,
    /// Matrices of types without blocks that are not stacked on others and begin at a multiple of 64 bytes. The rest is copied, and so is what the
    /// driver does not map. At first it is false: whether reading mapped memory is as fast depends on the device.
    /// </summary>
    /// <exception cref="NotSupportedException">It is set to true, and <see cref="CanMapWeights"/> is false.</exception>
    public bool MapWeights
    {
        get => _mapsWeights;
        set
        {
            if (value && !CanMapWeights)
            {
                throw new NotSupportedException(
                    $"Device '{Name}' does not share the machine's memory, or cannot map it: IlgpuDevice.MapWeights is for integrated CUDA devices. Leave it false.");
            }

            _mapsWeights = value;
        }
    }

    /// <summary>Maps a matrix as it lies in the host's memory; null: it has to be copied.</summary>
    internal MappedMemory? TryMap(nint address, long words)
    {
        if (!_mapsWeights || address % MappedAlignment != 0 || words == 0)
        {
            return null;
        }

        MappedMemory? memory = null;
        Use((CudaAccelerator)Accelerator, accelerator => memory = MappedMemory.TryMap(accelerator, address, words, Interop.SizeOf<Words4>()));
        return memory;
    }
}
