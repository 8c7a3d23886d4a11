namespace SparseInfer;

/// <summary>ILGPU's devices, for <see cref="Device"/>.</summary>
internal sealed class IlgpuDeviceProvider : DeviceProvider
{
    public static readonly IlgpuDeviceProvider Instance = new();

    private IlgpuDeviceProvider()
    {
    }

    public override IReadOnlyList<string> Names =>
        [.. IlgpuDevices.List().Where(found => found.Info.IsUsable).Select(found => found.Info.Name)];

    /// <summary>The first CUDA device. Never what runs on the CPU: that is for checking, and slower than the CPU's own program.</summary>
    public override string? Best => IlgpuDevices.Named(IlgpuDevices.Cuda)?.Info.Name;

    public override Device? TryOpen(string name) => IlgpuDevices.Named(name) is { } found ? new IlgpuDevice(found.Info, found.Hardware!) : null;

    public override string? Explain(string name)
    {
        string kind = name.Split(':')[0];
        IReadOnlyList<IlgpuDevices.Found> devices = IlgpuDevices.IsSoftware(name) ? IlgpuDevices.FindSoftware() : IlgpuDevices.List();
        IlgpuDeviceInfo[] infos = [.. devices.Select(found => found.Info).Where(info => info.Kind == kind)];
        if ((infos.FirstOrDefault(info => info.Name == name) ?? infos.FirstOrDefault(info => !info.IsUsable)) is { IsUsable: false } info)
        {
            return $"{info.WhyNot}. {info.Fix!.TrimEnd('.')}";
        }

        return infos.Length > 0 ? $"there {(infos.Length == 1 ? "is 1 device" : $"are {infos.Length} devices")} of this kind" : null;
    }
}
