namespace SparseInfer.Kernels.Ilgpu;

/// <summary>32 quants, unsigned bytes in the order of their columns.</summary>
public struct QuantBytes
{
    /// <summary>Columns 0 to 15.</summary>
    public Words4 Lower;

    /// <summary>Columns 16 to 31.</summary>
    public Words4 Upper;

    /// <summary>Sets all of them.</summary>
    /// <param name="lower">Columns 0 to 15.</param>
    /// <param name="upper">Columns 16 to 31.</param>
    public QuantBytes(Words4 lower, Words4 upper)
    {
        Lower = lower;
        Upper = upper;
    }
}
