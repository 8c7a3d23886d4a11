namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>Where generic addresses of shared and local memory lie: beyond any address of the host.</summary>
internal static class AddressWindows
{
    public const ulong Shared = 1UL << 60;
    public const ulong Local = 1UL << 61;
    public const ulong Size = 1UL << 32;
}
