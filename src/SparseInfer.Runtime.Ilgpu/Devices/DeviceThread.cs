using System.Runtime.CompilerServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>
/// A thread for an accelerator whose kernels run on threads of this process. ILGPU waits for those where <see cref="Thread.Interrupt"/> ends
/// the wait, and is of no use afterwards; this thread is nobody's to interrupt.
/// </summary>
internal sealed unsafe class DeviceThread : IDisposable
{
    private readonly WorkerGroup _workers = new(2);

    /// <summary>Whether the calling thread is this one.</summary>
    public bool IsCurrent => _workers.IsInJob;

    /// <summary>Does something on the thread, waits until it is done, and throws what it threw.</summary>
    public void Run<T>(T argument, Action<T> action)
        where T : allows ref struct =>
        _workers.Run(new Job<T>(Unsafe.AsPointer(ref argument), action)); // on this thread's stack until that one is done

    public void Dispose() => _workers.Dispose();

    private sealed class Job<T>(void* argument, Action<T> action) : IWorkerJob
        where T : allows ref struct
    {
        public void Execute(int worker)
        {
            if (worker == 1)
            {
                action(Unsafe.AsRef<T>(argument));
            }
        }
    }
}
