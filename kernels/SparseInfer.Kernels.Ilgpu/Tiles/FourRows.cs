namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Four columns of four rows of weights, widened once for all tokens that meet them.</summary>
public struct FourRows
{
    /// <summary>The first row's four columns.</summary>
    public Float4 A;

    /// <summary>The second row's.</summary>
    public Float4 B;

    /// <summary>The third row's.</summary>
    public Float4 C;

    /// <summary>The fourth row's.</summary>
    public Float4 D;

    /// <summary>Sets all four.</summary>
    /// <param name="a">The first row's four columns.</param>
    /// <param name="b">The second row's.</param>
    /// <param name="c">The third row's.</param>
    /// <param name="d">The fourth row's.</param>
    public FourRows(Float4 a, Float4 b, Float4 c, Float4 d)
    {
        A = a;
        B = b;
        C = c;
        D = d;
    }

    /// <summary>One token's sums, with the products of four columns added to them in the order of <see cref="Float4.Dot"/>.</summary>
    /// <param name="x">The token's four columns.</param>
    /// <param name="sums">What is added to: a sum for each row.</param>
    public Float4 Dot(Float4 x, Float4 sums) =>
        new(Float4.Dot(A, x, sums.X), Float4.Dot(B, x, sums.Y), Float4.Dot(C, x, sums.Z), Float4.Dot(D, x, sums.W));
}
