namespace SparseInfer.Kernels.Ilgpu;

/// <summary>What 32 quants of a row are multiplied with, as floats. Exact: a half and an integer of eight bits have 19 bits together.</summary>
public struct QuantScale
{
    /// <summary>The scale; where 16 columns have one of their own, that of columns 0 to 15.</summary>
    public float First;

    /// <summary>The scale of columns 16 to 31 there; else what is taken off, 0 in types without a minimum.</summary>
    public float Second;

    /// <summary>Sets both.</summary>
    /// <param name="first">The scale.</param>
    /// <param name="second">The other scale, or what is taken off.</param>
    public QuantScale(float first, float second)
    {
        First = first;
        Second = second;
    }
}
