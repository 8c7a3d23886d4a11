namespace ILGPU.Runtime;

/// <summary>A queue of work. Here everything is done when the call returns, so there is nothing to wait for.</summary>
public abstract class AcceleratorStream : AcceleratorObject
{
    private protected AcceleratorStream(Accelerator accelerator)
        : base(accelerator)
    {
    }

    public abstract void Synchronize();

    public Task SynchronizeAsync() => Task.Run(Synchronize);
}

internal sealed class StandInStream(Accelerator accelerator) : AcceleratorStream(accelerator)
{
    public override void Synchronize() => VerifyNotDisposed();

    protected override void DisposeAcceleratorObject(bool disposing)
    {
    }
}
