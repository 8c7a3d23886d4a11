namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Four consecutive integers: sums of four columns.</summary>
public struct Int4
{
    /// <summary>The first column.</summary>
    public int X;

    /// <summary>The second column.</summary>
    public int Y;

    /// <summary>The third column.</summary>
    public int Z;

    /// <summary>The fourth column.</summary>
    public int W;

    /// <summary>Sets all four to one number.</summary>
    /// <param name="value">The number.</param>
    public Int4(int value)
    {
        X = value;
        Y = value;
        Z = value;
        W = value;
    }
}
