using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Hardware = ILGPU.Runtime.Device;

namespace SparseInfer;

/// <summary>Finds the devices, and says of those that cannot be used why not. Asked once: drivers do not come and go.</summary>
internal static class IlgpuDevices
{
    public const string Cuda = "cuda";
    public const string OpenCL = "opencl";
    public const string PackageCpu = "ilgpu-cpu";

    /// <summary>Lanes that generated kernels take for a warp.</summary>
    private const int WarpSize = 32;

    private static readonly Lazy<Found[]> CudaDevices = new(FindCuda);
    private static readonly Lazy<Found[]> All = new(Find);

    public static IReadOnlyList<Found> List()
    {
        Found[] others = All.Value;
        return [.. others, .. ListSoftware()]; // whether these can be opened depends on who asked which driver
    }

    /// <summary>
    /// The usable device of a name: <c>cuda</c> is <c>cuda:0</c>. A software device is looked for only if it is asked for, and then nothing else;
    /// so are CUDA's, which every program that asks for the best device waits for.
    /// </summary>
    public static Found? Named(string name)
    {
        string first = name.EndsWith(":0", StringComparison.Ordinal) ? name[..^2] : name;
        Found[] candidates = IsSoftware(name) ? FindSoftware() : first.Split(':')[0] == Cuda ? CudaDevices.Value : All.Value;
        return candidates.FirstOrDefault(found => found.Hardware is not null && found.Info.IsUsable && found.Info.Name == first);
    }

    /// <summary>Whether a name is a software device's, there or not.</summary>
    public static bool IsSoftware(string name) => name.Split(':')[0] == SoftwareDriver.Kind;

    /// <param name="Info">What is told of it.</param>
    /// <param name="Hardware">ILGPU's device; null where there is none.</param>
    internal sealed record Found(IlgpuDeviceInfo Info, Hardware? Hardware);

    private static Found[] Find()
    {
        NativeLibraryNames.Teach();

        // Warps as a GPU has them; eight of them are the greatest group that ILGPU's accelerator gets a thread for each lane of.
        return [.. CudaDevices.Value, .. FindOpenCL(), Describe(PackageCpu, 0, new CPUDevice(WarpSize, 8, 1))];
    }

    /// <summary>The software devices, their driver loaded.</summary>
    public static Found[] FindSoftware()
    {
        if (CudaBinding.Registered is not { } driver)
        {
            return
            [
                None(
                    SoftwareDriver.Kind,
                    "no driver in software was registered",
                    "Call SoftwareCudaBackend.Register() of SparseInfer.SoftwareCuda first."),
            ];
        }

        if (driver.WhyNot is { } whyNot)
        {
            return [None(SoftwareDriver.Kind, whyNot, "Use the device cpu, or run this under Linux on x64 or arm64 (on Windows: WSL).")];
        }

        try
        {
            if (!CudaBinding.TryTakeForSoftware(driver))
            {
                return
                [
                    None(
                        SoftwareDriver.Kind,
                        "this process has asked NVIDIA's driver for its devices, and ILGPU is bound to one driver for good",
                        "Open it before devices are listed and before others are opened, or in another process."),
                ];
            }
        }
        catch (IOException exception)
        {
            return
            [
                None(
                    SoftwareDriver.Kind,
                    $"its library cannot be loaded: {exception.Message.TrimEnd('.')}",
                    "Set TMPDIR to a folder where files can be written and executed."),
            ];
        }

        Hardware[] devices = [.. CudaDevice.GetDevices(static _ => true)];
        return devices.Length > 0
            ? [.. devices.Select((device, index) => Describe(SoftwareDriver.Kind, index, device))]
            : [None(SoftwareDriver.Kind, "its driver reports no device", "Set SoftwareCudaBackend.Options.Devices to 1 or more.")];
    }

    /// <summary>What is told of the software devices: where their driver is not in use, that loads nothing.</summary>
    private static Found[] ListSoftware() => CudaBinding.Registered switch
    {
        null => [],
        { WhyNot: null } driver when !CudaBinding.IsTaken => [.. driver.Devices.Select(info => new Found(info, null))],
        _ => FindSoftware(),
    };

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Where there is no driver ILGPU is not asked: it would never look again. Nor is its library loaded, which takes milliseconds.</summary>
    private static Found[] FindCuda() => NativeLibraryNames.IsThere(Cuda)
        ? AskDriver()
        : [
            None(
                Cuda,
                $"{NativeLibraryNames.FileName(Cuda)} was not found",
                IsArm
                    ? "On a Jetson it comes with JetPack; in a container, run that with --runtime nvidia. Elsewhere install NVIDIA's driver."
                    : "Install NVIDIA's driver; in a container, run that with --gpus all."),
        ];

    private static Found[] AskDriver()
    {
        if (!CudaBinding.TryTakeForDriver())
        {
            return
            [
                None(
                    Cuda,
                    $"this process has opened {SoftwareDriver.Kind}, and ILGPU is bound to one driver for good",
                    "Open it in another process."),
            ];
        }

        NativeLibraryNames.Teach();
        Hardware[] devices = [.. CudaDevice.GetDevices(static _ => true)];
        return devices.Length > 0
            ? [.. devices.Select((device, index) => Describe(Cuda, index, device))]
            : [
                None(
                    Cuda,
                    "the driver reports no device",
                    "Check CUDA_VISIBLE_DEVICES and, in a container, that it was given a GPU"
                    + (IsArm ? " (docker run --runtime nvidia)." : " (docker run --gpus all); nvidia-smi must list one.")),
            ];
    }

    private static Found[] FindOpenCL()
    {
        Hardware[] devices = [.. CLDevice.GetDevices(static _ => true)];
        if (devices.Length == 0)
        {
            return
            [
                NativeLibraryNames.IsThere(OpenCL)
                    ? None(OpenCL, "no OpenCL platform has a device", "Install the device's OpenCL driver (an .icd file in /etc/OpenCL/vendors on Linux).")
                    : None(OpenCL, $"{NativeLibraryNames.FileName(OpenCL)} was not found", "Install an OpenCL loader (ocl-icd-libopencl1 on Debian) and the device's driver."),
            ];
        }

        using Context accepted = Context.Create(builder => builder.OpenCL());
        return [.. devices.Select((device, index) => Describe(OpenCL, index, device, accepted.Devices.Contains(device)))];
    }

    private static Found Describe(string kind, int index, Hardware device, bool accepted = true)
    {
        (string? whyNot, string? fix) = device switch
        {
            CudaDevice { Architecture: null } => ("ILGPU 1.5.3 does not know its architecture", "Use another device."),
            CudaDevice { InstructionSet: null, DriverVersion: var driver } => (
                $"its driver, for CUDA {driver.Major}.{driver.Minor}, is older than ILGPU 1.5.3 needs", "Update the driver, or JetPack."),
            CLDevice when !accepted => (
                "ILGPU needs OpenCL C 2.0 with the generic address space",
                "Update the device's OpenCL driver, or use another device; POCL has neither."),
            _ when device.WarpSize != WarpSize => (
                $"its warps have {device.WarpSize} lanes, and generated programs need {WarpSize}",
                "Use another device."),
            _ => ((string?)null, (string?)null),
        };
        var info = new IlgpuDeviceInfo
        {
            Name = index == 0 ? kind : $"{kind}:{index}",
            Kind = kind,
            Description = kind == SoftwareDriver.Kind ? CudaBinding.Registered!.Description :
                kind == PackageCpu ? "ILGPU's CPU accelerator: for checking kernels, far slower than the device cpu" : device.Name,
            WhyNot = whyNot,
            Fix = fix,
            MemoryBytes = device.MemorySize,
            Multiprocessors = device.NumMultiprocessors,
            Architecture = device is CudaDevice { Architecture: { } architecture } ? $"sm_{architecture.Major}{architecture.Minor}" : null,
        };
        return new Found(info, device);
    }

    private static Found None(string kind, string whyNot, string fix) =>
        new(new IlgpuDeviceInfo { Name = kind, Kind = kind, WhyNot = whyNot, Fix = fix }, null);
}
