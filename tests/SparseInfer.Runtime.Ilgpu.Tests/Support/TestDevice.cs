using SparseInfer.SoftwareCuda;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The devices that are there on every machine.</summary>
internal static class TestDevice
{
    private static readonly Lazy<IlgpuDevice> TheOne = new(Open);

    /// <summary>The software CUDA device: ILGPU's own accelerator and PTX, over a driver that executes and checks it.</summary>
    public static string Name => SoftwareCudaBackend.DeviceName;

    /// <summary>ILGPU's CPU accelerator: kernels as the .NET methods they are, on threads of this process.</summary>
    public static string CpuAccelerator => "ilgpu-cpu";

    /// <summary>Both.</summary>
    public static TheoryData<string> Names { get; } = [Name, CpuAccelerator];

    /// <summary>One for all tests that leave it usable.</summary>
    public static IlgpuDevice Shared => TheOne.Value;

    public static IlgpuDevice Open() => Open(Name);

    public static IlgpuDevice Open(string name)
    {
        SoftwareCudaBackend.Register();
        IlgpuBackend.Register();
        return (IlgpuDevice)Device.Open(name);
    }
}
