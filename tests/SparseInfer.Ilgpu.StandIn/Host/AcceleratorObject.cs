namespace ILGPU.Util
{
    /// <summary>Something that is disposed once.</summary>
    public abstract class DisposeBase : IDisposable
    {
        private int _disposed;

        ~DisposeBase()
        {
            DisposeOnce(false);
        }

        public bool IsDisposed => _disposed != 0;

        public void Dispose()
        {
            GC.SuppressFinalize(this);
            DisposeOnce(true);
        }

        protected void VerifyNotDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);

        protected virtual void Dispose(bool disposing)
        {
        }

        private void DisposeOnce(bool disposing)
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
                Dispose(disposing);
        }
    }
}

namespace ILGPU.Runtime
{
    /// <summary>Something that belongs to an accelerator, and goes with it.</summary>
    public abstract class AcceleratorObject : Util.DisposeBase
    {
        protected AcceleratorObject(Accelerator accelerator)
        {
            Accelerator = accelerator;
            accelerator?.Register(this);
        }

        public Accelerator Accelerator { get; }

        public AcceleratorType AcceleratorType => Accelerator?.AcceleratorType ?? AcceleratorType.CPU;

        protected sealed override void Dispose(bool disposing)
        {
            DisposeAcceleratorObject(disposing);
            Accelerator?.Forget(this);
        }

        protected abstract void DisposeAcceleratorObject(bool disposing);
    }
}
