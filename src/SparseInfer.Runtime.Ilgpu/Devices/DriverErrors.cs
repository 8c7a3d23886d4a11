using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace SparseInfer;

/// <summary>What a driver's errors mean. ILGPU has names for CUDA's older ones only, and gives the numbers of the rest.</summary>
internal static class DriverErrors
{
    private const string InvalidImage = "CUDA_ERROR_INVALID_IMAGE";
    private const string NoBinary = "CUDA_ERROR_NO_BINARY_FOR_GPU";
    private const string InvalidPtx = "CUDA_ERROR_INVALID_PTX";
    private const string NoCompiler = "221"; // CUDA_ERROR_JIT_COMPILER_NOT_FOUND
    private const string UnsupportedPtx = "222"; // CUDA_ERROR_UNSUPPORTED_PTX_VERSION
    private const string CompilerDisabled = "223"; // CUDA_ERROR_JIT_COMPILATION_DISABLED

    /// <summary>Whether there was no memory: the driver works on.</summary>
    public static bool IsNoMemory(AcceleratorException exception) => exception switch
    {
        CudaException cuda => cuda.Error == nameof(CudaError.CUDA_ERROR_OUT_OF_MEMORY),
        CLException cl => cl.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_HOST_MEMORY,
        _ => false,
    };

    /// <summary>Whether an allocation failed for want of memory. What else CUDA answers to one is an earlier failure.</summary>
    public static bool IsNoRoom(Exception exception) => exception switch
    {
        CudaException cuda => IsNoMemory(cuda),
        _ => exception is AcceleratorException or OutOfMemoryException or InsufficientMemoryException or OverflowException,
    };

    /// <summary>What helps where a CUDA driver refused a kernel; null: it did not refuse it, but failed.</summary>
    public static string? WhatHelpsRefused(AcceleratorException exception) => (exception as CudaException)?.Error switch
    {
        UnsupportedPtx => "The driver is older than this version of PTX: update NVIDIA's driver; on a Jetson, JetPack.",
        NoBinary => "The driver cannot compile for this device from that: update NVIDIA's driver; on a Jetson, JetPack.",
        NoCompiler => "The driver's compiler is missing: install all of NVIDIA's driver (libnvidia-ptxjitcompiler.so.1 on Linux), of one version; "
            + "a container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility.",
        CompilerDisabled => "Compiling PTX is turned off: unset CUDA_DISABLE_PTX_JIT.",
        InvalidPtx or InvalidImage => "Kernels of weight types with blocks multiply bytes (dp4a), which no device below sm_61 can: take F16 there. Else update NVIDIA's driver "
            + "(on a Jetson, JetPack); if its newest refuses it too, the kernel is wrong: report this with the line above.",
        _ => null,
    };
}
