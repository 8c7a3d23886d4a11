namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The device that is there on every machine: the stand-in, or ILGPU's CPU accelerator where the package is used.</summary>
internal static class TestDevice
{
    private static readonly Lazy<IlgpuDevice> TheOne = new(Open);

    public static string Name => IlgpuDevices.HasStandIn ? "standin" : "ilgpu-cpu";

    /// <summary>One for all tests that leave it usable.</summary>
    public static IlgpuDevice Shared => TheOne.Value;

    public static IlgpuDevice Open()
    {
        IlgpuBackend.Register();
        return (IlgpuDevice)Device.Open(Name);
    }
}
