using SparseInfer.Kernels.Cpu;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Where a program's call comes in: what every function checks, and the place where exceptions end.</summary>
internal static class Boundary
{
    /// <summary>A function that a program may call at any time.</summary>
    public static CuResult Run(Func<CuResult> call)
    {
        try
        {
            return call();
        }
        catch (DriverException exception)
        {
            return exception.Result;
        }
        catch (OutOfMemoryException)
        {
            return CuResult.OutOfMemory;
        }
        catch (Exception exception)
        {
            SoftwareDriverState.Current?.Note($"The software device itself failed: {exception}");
            return CuResult.Unknown;
        }
    }

    /// <summary>A function that wants cuInit before it.</summary>
    public static CuResult Initialized(Func<CuResult> call) =>
        SoftwareDriverState.IsInitialized ? Run(call) : CuResult.NotInitialized;

    /// <summary>A function that acts in the calling thread's context. Fails in a context that has failed.</summary>
    public static CuResult InContext(Func<DriverContext, CuResult> call) => Initialized(() =>
        SoftwareDriverState.Current is not { } context ? CuResult.InvalidContext
        : Alone(context, () =>
        {
            context.Settings.Faults.Move();
            return context.Failure is not CuResult.Success and var failure ? failure : call(context);
        }));

    /// <summary>Something in a context that no other thread may disturb.</summary>
    public static CuResult Alone(DriverContext context, Func<CuResult> call)
    {
        bool interrupted = Uninterruptible.Enter(context.Gate);
        try
        {
            return context.IsDestroyed ? CuResult.ContextIsDestroyed : call();
        }
        finally
        {
            context.Gate.Exit();
            Uninterruptible.Raise(interrupted);
        }
    }

    /// <summary>Ends the call as one with an invalid argument, unless a condition holds.</summary>
    public static void Require(bool holds)
    {
        if (!holds)
        {
            throw new DriverException(CuResult.InvalidValue);
        }
    }

    /// <summary>A thing of the context by its handle.</summary>
    public static T Find<T>(DriverContext context, nint handle, Func<T, DriverContext> owner)
        where T : class =>
        Handles.Find<T>(handle) is { } found && owner(found) == context ? found : throw new DriverException(CuResult.InvalidHandle);

    /// <summary>A stream by its handle; null: the default one.</summary>
    public static DriverStream? Stream(DriverContext context, nint handle) =>
        handle is >= 0 and <= 2 ? null : Find<DriverStream>(context, handle, static stream => stream.Context); // 1, 2: CUDA's other names of it
}
