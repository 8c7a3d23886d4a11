using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace SparseInfer.Runtime;

/// <summary>Memory of the host that a CUDA device reads where it lies: locked, and mapped into the device's addresses.</summary>
internal sealed class MappedMemory : MemoryBuffer
{
    private readonly nint _address;

    private MappedMemory(Accelerator accelerator, nint address, nint mapped, long count, int elementSize)
        : base(accelerator, count, elementSize)
    {
        _address = address;
        NativePtr = mapped;
    }

    /// <summary>Maps memory; null: the driver does not. The accelerator must be bound.</summary>
    /// <param name="accelerator">The accelerator.</param>
    /// <param name="address">The first byte. The memory must live until this is disposed.</param>
    /// <param name="count">Number of elements.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    public static MappedMemory? TryMap(CudaAccelerator accelerator, nint address, long count, int elementSize)
    {
        const MemHostRegisterFlags Mapped = MemHostRegisterFlags.CU_MEMHOSTREGISTER_DEVICEMAP;
        CudaAPI driver = CudaAPI.CurrentAPI;
        var bytes = (nint)(count * elementSize);

        // The pages of a file are read-only, which has to be said, and which not every driver takes.
        if (driver.MemHostRegister(address, bytes, Mapped) != CudaError.CUDA_SUCCESS
            && driver.MemHostRegister(address, bytes, Mapped | MemHostRegisterFlags.CU_MEMHOSTREGISTER_READ_ONLY) != CudaError.CUDA_SUCCESS)
        {
            return null;
        }

        if (driver.MemHostGetDevicePointer(out nint mapped, address, 0) != CudaError.CUDA_SUCCESS)
        {
            driver.MemHostUnregister(address);
            return null;
        }

        return new MappedMemory(accelerator, address, mapped, count, elementSize);
    }

    protected override void MemSet(AcceleratorStream stream, byte value, in ArrayView<byte> targetView) =>
        CudaMemoryBuffer.CudaMemSet(stream as CudaStream, value, targetView);

    protected override void CopyFrom(AcceleratorStream stream, in ArrayView<byte> sourceView, in ArrayView<byte> targetView) =>
        CudaMemoryBuffer.CudaCopy(stream as CudaStream, sourceView, targetView);

    protected override void CopyTo(AcceleratorStream stream, in ArrayView<byte> sourceView, in ArrayView<byte> targetView) =>
        CudaMemoryBuffer.CudaCopy(stream as CudaStream, sourceView, targetView);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        CudaError error = CudaAPI.CurrentAPI.MemHostUnregister(_address);
        if (disposing)
        {
            CudaException.ThrowIfFailed(error);
        }
    }
}
