using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.SoftwareCuda.Tests.CompiledKernels;

/// <summary>A software device for one test, with buffers that it takes with it.</summary>
internal sealed class Bench : IDisposable
{
    private readonly List<MemoryBuffer> _buffers = [];

    public Bench()
    {
        SoftwareCudaBackend.Register();
        Device = (IlgpuDevice)SparseInfer.Device.Open(SoftwareCudaBackend.DeviceName);
        Software = SoftwareCudaContext.Of(Device);
    }

    public IlgpuDevice Device { get; }

    public SoftwareCudaContext Software { get; }

    public Accelerator Accelerator => Device.Accelerator;

    public ArrayView<T> Of<T>(params T[] data)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Accelerator.Allocate1D(data);
        _buffers.Add(buffer);
        return buffer.View.BaseView;
    }

    public ArrayView<T> Zeros<T>(int length)
        where T : unmanaged => Of(new T[length]);

    public ArrayView<T> Unwritten<T>(int length)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Accelerator.Allocate1D<T>(length);
        _buffers.Add(buffer);
        return buffer.View.BaseView;
    }

    /// <summary>What is in a view, after everything that was launched is done.</summary>
    public T[] Back<T>(ArrayView<T> view)
        where T : unmanaged
    {
        Device.Synchronize();
        return view.GetAsArray();
    }

    public void Dispose()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        Device.Dispose();
    }
}
