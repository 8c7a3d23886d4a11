using ILGPU.Runtime.Cuda;

namespace SparseInfer;

/// <summary>
/// Whose functions ILGPU's <c>cuda</c> are in this process: NVIDIA's driver's, or a driver's in software. ILGPU binds them once, so the first
/// who asks decides for all.
/// </summary>
internal static class CudaBinding
{
    private static readonly Lock Gate = new();
    private static volatile SoftwareDriver? _software;
    private static bool _isDriver;

    /// <summary>The driver in software that a program has registered; null: none.</summary>
    public static SoftwareDriver? Registered { get; set; }

    /// <summary>Whether somebody has decided.</summary>
    public static bool IsTaken
    {
        get
        {
            lock (Gate)
            {
                return _isDriver || _software is not null;
            }
        }
    }

    /// <summary>The driver in software that ILGPU is to be given; null: it gets NVIDIA's.</summary>
    public static SoftwareDriver? Software => _software;

    /// <summary>Takes <c>cuda</c> for NVIDIA's driver; false: the process has opened a software device.</summary>
    public static bool TryTakeForDriver()
    {
        lock (Gate)
        {
            return _isDriver = _software is null;
        }
    }

    /// <summary>
    /// Takes <c>cuda</c> for a driver in software, and binds ILGPU to it; false: ILGPU has asked for another driver before, or a program has
    /// bound it by itself.
    /// </summary>
    public static bool TryTakeForSoftware(SoftwareDriver driver)
    {
        lock (Gate)
        {
            if (_isDriver || _software is not null)
            {
                return _software is not null;
            }

            _ = driver.LoadLibrary(); // here its failure has a message; ILGPU would swallow it
            _software = driver;
            NativeLibraryNames.Teach();
            _ = CudaDevice.GetDevices(static _ => true);
            if (!driver.IsInUse)
            {
                _software = null;
                _isDriver = true;
            }

            return _software is not null;
        }
    }
}
