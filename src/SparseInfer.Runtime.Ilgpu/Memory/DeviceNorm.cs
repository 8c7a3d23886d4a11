using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>A norm's numbers on a device, four columns an element, padded with zeros. Default in the binder's checking pass.</summary>
public readonly struct DeviceNorm
{
    internal DeviceNorm(ArrayView<Float4> weight, ArrayView<Float4> bias)
    {
        Weight = weight;
        Bias = bias;
    }

    /// <summary>A factor for each column.</summary>
    public ArrayView<Float4> Weight { get; }

    /// <summary>A term for each column; empty where the norm has none.</summary>
    public ArrayView<Float4> Bias { get; }
}
