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

    /// <summary>Sets all four.</summary>
    /// <param name="x">The first column.</param>
    /// <param name="y">The second column.</param>
    /// <param name="z">The third column.</param>
    /// <param name="w">The fourth column.</param>
    public Int4(int x, int y, int z, int w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

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
