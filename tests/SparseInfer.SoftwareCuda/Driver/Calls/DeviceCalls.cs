using System.Runtime.InteropServices;
using System.Text;
using static SparseInfer.SoftwareCuda.Driver.Calls.Boundary;

namespace SparseInfer.SoftwareCuda.Driver.Calls;

/// <summary>The driver itself, its devices, and texts of results.</summary>
internal static unsafe class DeviceCalls
{
    private const string Name = "software CUDA device";

    [UnmanagedCallersOnly]
    public static CuResult Init(uint flags)
    {
        if (flags != 0)
        {
            return CuResult.InvalidValue;
        }

        SoftwareDriverState.IsInitialized = true;
        return CuResult.Success;
    }

    [UnmanagedCallersOnly]
    public static CuResult DriverGetVersion(int* version) => Run(() =>
    {
        Require(version is not null);
        *version = SoftwareDriverState.Options.DriverVersion;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult GetErrorString(CuResult result, nint* text) => Run(() => Text(result, text, wantName: false));

    [UnmanagedCallersOnly]
    public static CuResult GetErrorName(CuResult result, nint* name) => Run(() => Text(result, name, wantName: true));

    [UnmanagedCallersOnly]
    public static CuResult DeviceGetCount(int* count) => Initialized(() =>
    {
        Require(count is not null);
        *count = SoftwareDriverState.Options.Devices;
        return CuResult.Success;
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceGet(int* device, int ordinal) => OfDevice(ordinal, _ =>
    {
        Require(device is not null);
        *device = ordinal;
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceGetName(byte* name, int bytes, int device) => OfDevice(device, options =>
    {
        Require(name is not null && bytes > 0);
        Terminated($"{Name} (sm_{options.Architecture})", new Span<byte>(name, bytes));
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceTotalMem(nint* bytes, int device) => OfDevice(device, options =>
    {
        Require(bytes is not null);
        *bytes = (nint)options.MemoryBytes;
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceGetAttribute(int* value, int attribute, int device) => OfDevice(device, options =>
    {
        Require(value is not null);
        *value = DeviceAttributes.Value(attribute, device, options) ?? throw new DriverException(CuResult.InvalidValue);
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceCanAccessPeer(int* can, int device, int peer) => OfDevice(device, _ =>
    {
        Require(can is not null);
        RequireDevice(peer);
        *can = 0;
    });

    [UnmanagedCallersOnly]
    public static CuResult DeviceGetP2PAttribute(int* value, int attribute, int device, int peer) => OfDevice(device, _ =>
    {
        Require(value is not null && attribute is >= 1 and <= 4 && device != peer);
        RequireDevice(peer);
        *value = 0;
    });

    /// <summary>Writes as much of a text as there is room for, and a zero.</summary>
    public static int Terminated(string text, Span<byte> room)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(bytes.Length, room.Length - 1);
        bytes.AsSpan(0, length).CopyTo(room);
        room[length] = 0;
        return length;
    }

    /// <summary>Ends the call unless there is such a device.</summary>
    public static void RequireDevice(int device)
    {
        if (device < 0 || device >= SoftwareDriverState.Options.Devices)
        {
            throw new DriverException(CuResult.InvalidDevice);
        }
    }

    private static CuResult OfDevice(int device, Action<SoftwareCudaOptions> call) => Initialized(() =>
    {
        RequireDevice(device);
        call(SoftwareDriverState.Options);
        return CuResult.Success;
    });

    private static CuResult Text(CuResult result, nint* text, bool wantName)
    {
        Require(text is not null);
        if (!CuResults.TryGetNative(result, out nint name, out nint words))
        {
            *text = 0;
            return CuResult.InvalidValue;
        }

        *text = wantName ? name : words;
        return CuResult.Success;
    }
}
