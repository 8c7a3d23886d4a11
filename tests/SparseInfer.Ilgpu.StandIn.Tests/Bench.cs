namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>A stand-in device for one test.</summary>
internal sealed class Bench : IDisposable
{
    private readonly Context _context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).AllAccelerators());

    public Bench()
    {
        Accelerator = _context.Devices[0].CreateAccelerator(_context);
    }

    public Accelerator Accelerator { get; }

    public MemoryBuffer1D<T, Stride1D.Dense> Of<T>(params T[] data)
        where T : unmanaged => Accelerator.Allocate1D(data);

    public MemoryBuffer1D<T, Stride1D.Dense> Zeros<T>(int length)
        where T : unmanaged => Accelerator.Allocate1D(new T[length]);

    public MemoryBuffer1D<T, Stride1D.Dense> Unwritten<T>(int length)
        where T : unmanaged => Accelerator.Allocate1D<T>(length);

    /// <summary>Runs a launch that must be stopped, and returns why it was.</summary>
    public static KernelFaultException Fault(Action launch) => Should.Throw<KernelFaultException>(launch);

    public void Dispose()
    {
        Accelerator.Dispose();
        _context.Dispose();
    }
}
