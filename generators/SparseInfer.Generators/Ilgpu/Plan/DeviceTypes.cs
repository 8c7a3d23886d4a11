using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Which weight types there are kernels for on GPUs.</summary>
internal static class DeviceTypes
{
    /// <summary>Whether a model or layer that may be of any of some types has a program for GPUs.</summary>
    public static bool HaveKernels(IEnumerable<WeightType> types) => types.All(type => Format.Of(type).HasDeviceKernels);
}
