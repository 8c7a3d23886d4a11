using SparseInfer.SoftwareCuda.Driver.Library;

namespace SparseInfer.SoftwareCuda.Driver;

/// <summary>The driver, as the devices of SparseInfer.Runtime.Ilgpu know it.</summary>
internal sealed class SoftwareDriverForIlgpu : SoftwareDriver
{
    public static readonly SoftwareDriverForIlgpu Instance = new();

    private SoftwareDriverForIlgpu()
    {
    }

    public override string Description => "software CUDA device: executes PTX on the CPU and checks it, far slower than the device cpu";

    public override string? WhyNot => DriverLibrary.WhyNot;

    public override bool IsInUse => SoftwareDriverState.IsInitialized;

    public override IReadOnlyList<IlgpuDeviceInfo> Devices
    {
        get
        {
            SoftwareCudaOptions options = SoftwareDriverState.Options;
            return [.. Enumerable.Range(0, options.Devices).Select(index => new IlgpuDeviceInfo
            {
                Name = index == 0 ? Kind : $"{Kind}:{index}",
                Kind = Kind,
                Description = Description,
                MemoryBytes = options.MemoryBytes,
                Multiprocessors = options.Multiprocessors,
                Architecture = $"sm_{options.Architecture}",
            })];
        }
    }

    public override nint LoadLibrary() => DriverLibrary.Load();

    public override string? LastFailure(nint context) => Handles.Find<DriverContext>(context)?.FailureText;
}
