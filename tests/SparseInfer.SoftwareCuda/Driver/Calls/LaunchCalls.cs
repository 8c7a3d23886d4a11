using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Ptx;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>Launches.</summary>
internal static unsafe class LaunchCalls
{
    private const nint EndOfExtra = 0;
    private const nint ParameterBuffer = 1;
    private const nint ParameterBytes = 2;

    /// <summary>Enqueues a kernel. A fault of it is what later calls answer, as on a GPU.</summary>
    [UnmanagedCallersOnly]
    public static CuResult Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint groupX, uint groupY, uint groupZ, uint dynamicSharedBytes, nint stream,
        void** parameters, void** extra) => InContext(context =>
    {
        PtxFunction kernel = ModuleCalls.Function(context, function);
        DriverStream? order = Stream(context, stream);
        Require(gridX is > 0 and <= DeviceLimits.GridX && gridY is > 0 and <= DeviceLimits.GridYZ && gridZ is > 0 and <= DeviceLimits.GridYZ);
        Require(groupX > 0 && groupY > 0 && groupZ is > 0 and <= DeviceLimits.GroupZ);
        Require((ulong)groupX * groupY * groupZ <= (ulong)Math.Min(DeviceLimits.GroupThreads, kernel.MaxThreads));
        Require(kernel.SharedBytes + (long)dynamicSharedBytes <= DeviceLimits.GroupSharedBytes);
        var launch = new Launch(
            kernel,
            new Size3((int)gridX, (int)gridY, (int)gridZ),
            new Size3((int)groupX, (int)groupY, (int)groupZ),
            (int)dynamicSharedBytes,
            Parameters(kernel, parameters, extra));
        if (context.Settings.Faults.TakeLaunch())
        {
            context.Work.Enqueue(order, () => context.Fail(CuResult.LaunchFailed, $"Kernel {Name(kernel)}: its launch failed, on request."));
            return CuResult.Success;
        }

        SoftwareCudaContext settings = context.Settings;
        var options = new LaunchOptions
        {
            CountAccesses = settings.CountAccesses,
            CheckRaces = settings.CheckRaces,
            Parallelism = settings.Parallelism,
        };
        context.Work.Enqueue(order, () =>
        {
            if (launch.Execute(context.Memory, options) is { } counters)
            {
                context.Count(counters);
            }
        });
        return CuResult.Success;
    });

    private static byte[] Parameters(PtxFunction kernel, void** parameters, void** extra)
    {
        Require(parameters is null || extra is null);
        var bytes = new byte[kernel.ParameterBytes];
        if (extra is not null)
        {
            Buffer(extra, bytes);
            return bytes;
        }

        Require(parameters is not null || kernel.Parameters.Count == 0);
        for (int index = 0; index < kernel.Parameters.Count; index++)
        {
            PtxParameter parameter = kernel.Parameters[index];
            Require(parameters[index] is not null);
            new ReadOnlySpan<byte>(parameters[index], parameter.Bytes).CopyTo(bytes.AsSpan(parameter.Offset));
        }

        return bytes;
    }

    /// <summary>All parameters in one buffer.</summary>
    private static void Buffer(void** extra, byte[] bytes)
    {
        void* buffer = null;
        nint size = -1;
        for (; (nint)extra[0] != EndOfExtra; extra += 2)
        {
            Require(extra[1] is not null);
            switch ((nint)extra[0])
            {
                case ParameterBuffer:
                    buffer = extra[1];
                    break;
                case ParameterBytes:
                    size = *(nint*)extra[1];
                    break;
                default:
                    throw new DriverException(CuResult.InvalidValue);
            }
        }

        Require(size >= 0 && (buffer is not null || size == 0));
        if (size < bytes.Length)
        {
            throw new DriverException(CuResult.LaunchOutOfResources); // what CUDA says of too few bytes
        }

        new ReadOnlySpan<byte>(buffer, bytes.Length).CopyTo(bytes);
    }

    private static string Name(PtxFunction kernel) =>
        kernel.Name.StartsWith("Kernel_", StringComparison.Ordinal) ? kernel.Name["Kernel_".Length..] : kernel.Name;
}
