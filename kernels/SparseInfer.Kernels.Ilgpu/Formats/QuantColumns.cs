namespace SparseInfer.Kernels.Ilgpu;

/// <summary>What four columns of down multiply the quants of some neurons with, of those that share it.</summary>
public struct QuantColumns
{
    /// <summary>Their scales.</summary>
    public Float4 Scale;

    /// <summary>What is taken off; 0 in types without a minimum.</summary>
    public Float4 Minimum;

    /// <summary>Sets both.</summary>
    /// <param name="scale">Their scales.</param>
    /// <param name="minimum">What is taken off.</param>
    public QuantColumns(Float4 scale, Float4 minimum)
    {
        Scale = scale;
        Minimum = minimum;
    }
}
