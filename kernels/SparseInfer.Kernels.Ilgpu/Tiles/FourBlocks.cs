namespace SparseInfer.Kernels.Ilgpu;

/// <summary>A load of each of four rows of a block type, and the scales of their blocks.</summary>
public struct FourBlocks
{
    /// <summary>The first row's quants.</summary>
    public Words4 A;

    /// <summary>The second row's.</summary>
    public Words4 B;

    /// <summary>The third row's.</summary>
    public Words4 C;

    /// <summary>The fourth row's.</summary>
    public Words4 D;

    /// <summary>The first row's scale, a half's bits.</summary>
    public ushort ScaleA;

    /// <summary>The second row's.</summary>
    public ushort ScaleB;

    /// <summary>The third row's.</summary>
    public ushort ScaleC;

    /// <summary>The fourth row's.</summary>
    public ushort ScaleD;

    /// <summary>Sets all of them.</summary>
    /// <param name="a">The first row's quants.</param>
    /// <param name="b">The second row's.</param>
    /// <param name="c">The third row's.</param>
    /// <param name="d">The fourth row's.</param>
    /// <param name="scaleA">The first row's scale, a half's bits.</param>
    /// <param name="scaleB">The second row's.</param>
    /// <param name="scaleC">The third row's.</param>
    /// <param name="scaleD">The fourth row's.</param>
    public FourBlocks(Words4 a, Words4 b, Words4 c, Words4 d, ushort scaleA, ushort scaleB, ushort scaleC, ushort scaleD)
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
