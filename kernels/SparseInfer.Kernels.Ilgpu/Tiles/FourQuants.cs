namespace SparseInfer.Kernels.Ilgpu;

/// <summary>32 quants of each of four rows, and their scales.</summary>
public struct FourQuants
{
    /// <summary>The first row's quants.</summary>
    public QuantBytes A;

    /// <summary>The second row's.</summary>
    public QuantBytes B;

    /// <summary>The third row's.</summary>
    public QuantBytes C;

    /// <summary>The fourth row's.</summary>
    public QuantBytes D;

    /// <summary>The first row's scale.</summary>
    public QuantScale ScaleA;

    /// <summary>The second row's.</summary>
    public QuantScale ScaleB;

    /// <summary>The third row's.</summary>
    public QuantScale ScaleC;

    /// <summary>The fourth row's.</summary>
    public QuantScale ScaleD;

    /// <summary>Sets all of them.</summary>
    /// <param name="a">The first row's quants.</param>
    /// <param name="b">The second row's.</param>
    /// <param name="c">The third row's.</param>
    /// <param name="d">The fourth row's.</param>
    /// <param name="scaleA">The first row's scale.</param>
    /// <param name="scaleB">The second row's.</param>
    /// <param name="scaleC">The third row's.</param>
    /// <param name="scaleD">The fourth row's.</param>
    public FourQuants(
        QuantBytes a, QuantBytes b, QuantBytes c, QuantBytes d, QuantScale scaleA, QuantScale scaleB, QuantScale scaleC, QuantScale scaleD)
    {
        A = a;
        B = b;
        C = c;
        D = d;
        ScaleA = scaleA;
        ScaleB = scaleB;
        ScaleC = scaleC;
        ScaleD = scaleD;
    }
}
