using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Util;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer;

/// <summary>
/// Frees an accelerator whatever its driver answers. After a failed kernel a driver answers everything with that failure, also what frees
/// memory. ILGPU's <c>Dispose</c> stops there: before it destroys the driver's context, before it ends its own thread, and for good, as it
/// does nothing when it is called again. What its finalizer calls does the same without looking at the answers.
/// </summary>
internal static class AcceleratorDisposal
{
    /// <summary>Frees everything on an accelerator, the driver's context, and ILGPU's. Throws nothing of the driver's.</summary>
    /// <param name="accelerator">The accelerator; null: its context only.</param>
    /// <param name="context">Its context.</param>
    /// <param name="failed">Whether its driver failed already.</param>
    public static void Free(Accelerator? accelerator, Context context, bool failed)
    {
        if (!failed)
        {
            FreeHere(accelerator);
            Quietly(context.Dispose);
            return;
        }

        // ILGPU remembers a thread's accelerator, and binding another begins with unbinding that one, which may fail too: each step
        // gets a thread on which none was bound.
        OnThreadOfItsOwn(() => FreeHere(accelerator));
        OnThreadOfItsOwn(() => Quietly(context.Dispose));
    }

    /// <summary>
    /// After a failure: from now on what ILGPU does when objects on an accelerator are disposed or collected is nothing. Its finalizers
    /// would ask the driver, and what they throw ends the process. <see cref="Free"/> frees all the same.
    /// </summary>
    public static void Abandon(Accelerator accelerator) => MarkDisposed(accelerator);

    private static void FreeHere(Accelerator? accelerator)
    {
        if (accelerator is null)
        {
            return;
        }

        if (accelerator.AcceleratorType == AcceleratorType.CPU)
        {
            accelerator.Dispose(); // there is no driver, and the finalizer would leave its threads
            return;
        }

        Quietly(accelerator.Bind); // even where this fails it counts as bound, and is not tried again
        Quietly(() => Finalize(accelerator));
        GC.SuppressFinalize(accelerator);
        MarkDisposed(accelerator);
    }

    private static void OnThreadOfItsOwn(Action free)
    {
        // Nobody is there to be told, and what leaves a thread ends the process: the failure that led here was told when it happened.
        var thread = new Thread(() =>
        {
            try
            {
                free();
            }
            catch (Exception)
            {
            }
        })
        {
            IsBackground = true,
            Name = "SparseInfer: frees a device that failed",
        };
        thread.Start();
        Uninterruptible.Raise(Uninterruptible.Join(thread));
    }

    private static void Quietly(Action free)
    {
        try
        {
            free();
        }
        catch (AcceleratorException)
        {
            // What failed before, and was told then, or the last of it: the context is destroyed by now.
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = nameof(Finalize))]
    private static extern void Finalize(DisposeBase disposable);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "MarkDisposed_Unsafe")]
    private static extern bool MarkDisposed(DisposeBase disposable);
}
