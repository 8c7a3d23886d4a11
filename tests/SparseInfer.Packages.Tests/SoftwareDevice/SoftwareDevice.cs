using System.Runtime.CompilerServices;

namespace Consumer;

/// <summary>Makes the software CUDA device known before the program begins.</summary>
internal static class SoftwareDevice
{
    [ModuleInitializer]
    internal static void Register() => SparseInfer.SoftwareCuda.SoftwareCudaBackend.Register();
}
