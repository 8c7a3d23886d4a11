using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace SparseInfer;

/// <summary>
/// Where the drivers' libraries lie. ILGPU asks for bare <c>cuda</c> and <c>OpenCL</c>, which on Linux finds them only where the development
/// links are installed; drivers install the names with a version, and a Jetson's in folders of its own.
/// </summary>
internal static class NativeLibraryNames
{
    private static readonly string[] Cuda =
    [
        "libcuda.so.1",
        "/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1", // JetPack 4 and 5
        "/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1", // JetPack 6
        "/usr/lib/wsl/lib/libcuda.so.1",
        "libcuda.so",
    ];

    private static readonly string[] OpenCL = ["libOpenCL.so.1", "libOpenCL.so"];

    private static readonly Lazy<bool> Installed = new(Install);

    /// <summary>Teaches ILGPU the names; once.</summary>
    public static void Teach() => _ = Installed.Value;

    /// <summary>Whether a driver's library can be loaded.</summary>
    /// <param name="kind">The backend.</param>
    public static bool IsThere(string kind) => OperatingSystem.IsWindows()
        ? NativeLibrary.TryLoad(kind == "cuda" ? "nvcuda.dll" : "OpenCL.dll", out _)
        : Load(kind == "cuda" ? Cuda : OpenCL) != 0;

    /// <summary>What the user has to look for.</summary>
    /// <param name="kind">The backend.</param>
    public static string FileName(string kind) => (kind, OperatingSystem.IsWindows()) switch
    {
        ("cuda", true) => "nvcuda.dll",
        ("cuda", false) => Cuda[0],
        (_, true) => "OpenCL.dll",
        _ => OpenCL[0],
    };

    private static bool Install()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            return true;
        }
        catch (InvalidOperationException)
        {
            // There can be one only. ILGPU sets its own under WSL, when a program builds a context with CUDA: that knows the folder too.
            return false;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => OperatingSystem.IsLinux()
        ? name switch
        {
            "cuda" => CudaBinding.Software is { } driver ? driver.LoadLibrary() : Load(Cuda),
            "OpenCL" => Load(OpenCL),
            _ => 0,
        }
        : 0; // the runtime's own rules

    private static nint Load(string[] names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return library;
            }
        }

        return 0;
    }
}
