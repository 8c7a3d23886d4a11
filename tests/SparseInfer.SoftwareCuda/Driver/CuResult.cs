using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>What a driver's function answers. Values, names and texts as CUDA has them.</summary>
internal enum CuResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    InvalidDevice = 101,
    InvalidImage = 200,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    PeerAccessUnsupported = 217,
    InvalidPtx = 218,
    UnsupportedPtxVersion = 222,
    InvalidHandle = 400,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    PeerAccessNotEnabled = 705,
    ContextIsDestroyed = 709,
    HostMemoryAlreadyRegistered = 712,
    HostMemoryNotRegistered = 713,
    MisalignedAddress = 716,
    LaunchFailed = 719,
    Unknown = 999,
}

/// <summary>Names and texts of results.</summary>
internal static partial class CuResults
{
    private static readonly Dictionary<CuResult, (nint Name, nint Text)> Native = Enum.GetValues<CuResult>().ToDictionary(
        result => result, result => (Marshal.StringToCoTaskMemUTF8(Name(result)), Marshal.StringToCoTaskMemUTF8(Text(result))));

    /// <summary>As C has it: <c>CUDA_ERROR_INVALID_VALUE</c>.</summary>
    public static string Name(CuResult result) =>
        result == CuResult.Success ? "CUDA_SUCCESS" : "CUDA_ERROR_" + Words().Replace(result.ToString(), "_$0").ToUpperInvariant();

    /// <summary>Name and text for a C program; false: there is no such result.</summary>
    public static bool TryGetNative(CuResult result, out nint name, out nint text)
    {
        bool isKnown = Native.TryGetValue(result, out (nint Name, nint Text) found);
        (name, text) = found;
        return isKnown;
    }

    public static string Text(CuResult result) => result switch
    {
        CuResult.Success => "no error",
        CuResult.InvalidValue => "invalid argument",
        CuResult.OutOfMemory => "out of memory",
        CuResult.NotInitialized => "initialization error",
        CuResult.InvalidDevice => "invalid device ordinal",
        CuResult.InvalidImage => "device kernel image is invalid",
        CuResult.InvalidContext => "invalid device context",
        CuResult.NoBinaryForGpu => "no kernel image is available for execution on the device",
        CuResult.PeerAccessUnsupported => "peer access is not supported between these two devices",
        CuResult.InvalidPtx => "a PTX JIT compilation failed",
        CuResult.UnsupportedPtxVersion => "the provided PTX was compiled with an unsupported toolchain.",
        CuResult.InvalidHandle => "invalid resource handle",
        CuResult.NotFound => "named symbol not found",
        CuResult.NotReady => "device not ready",
        CuResult.IllegalAddress => "an illegal memory access was encountered",
        CuResult.LaunchOutOfResources => "too many resources requested for launch",
        CuResult.PeerAccessNotEnabled => "peer access has not been enabled",
        CuResult.ContextIsDestroyed => "context is destroyed",
        CuResult.HostMemoryAlreadyRegistered => "part or all of the requested memory range is already mapped",
        CuResult.HostMemoryNotRegistered => "pointer does not correspond to a registered memory region",
        CuResult.MisalignedAddress => "misaligned address",
        CuResult.LaunchFailed => "unspecified launch failure",
        _ => "unknown error",
    };

    [GeneratedRegex("(?<=[a-z])[A-Z]")]
    private static partial Regex Words();
}

/// <summary>Ends a driver's function with a result.</summary>
internal sealed class DriverException(CuResult result) : Exception(CuResults.Text(result))
{
    public CuResult Result { get; } = result;
}
