namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Four consecutive floats: an input, output or accumulator of four columns (16 bytes; ld.global.v4.f32).</summary>
public struct Float4
{
    /// <summary>The first column.</summary>
    public float X;

    /// <summary>The second column.</summary>
    public float Y;

    /// <summary>The third column.</summary>
    public float Z;

    /// <summary>The fourth column.</summary>
    public float W;

    /// <summary>Sets all four.</summary>
    /// <param name="x">The first column.</param>
    /// <param name="y">The second column.</param>
    /// <param name="z">The third column.</param>
    /// <param name="w">The fourth column.</param>
    public Float4(float x, float y, float z, float w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    /// <summary>The dot product of four columns, added to a sum in their order.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="b">The other four.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(Float4 a, Float4 b, float sum)
    {
        sum += a.X * b.X;
        sum += a.Y * b.Y;
        sum += a.Z * b.Z;
        return sum + (a.W * b.W);
    }

    /// <summary>Adds <c>h * a</c> to four columns.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="h">The factor.</param>
    /// <param name="y">What is added to.</param>
    public static void AddScaled(Float4 a, float h, ref Float4 y)
    {
        y.X += h * a.X;
        y.Y += h * a.Y;
        y.Z += h * a.Z;
        y.W += h * a.W;
    }

    /// <summary>
    /// What zero plus four columns is: the same, and of both zeros the positive one. ILGPU leaves out an addition of a constant zero, and with it
    /// what that does to negative zeros.
    /// </summary>
    /// <param name="a">Four columns.</param>
    public static Float4 ZeroPlus(Float4 a) => new(ZeroPlus(a.X), ZeroPlus(a.Y), ZeroPlus(a.Z), ZeroPlus(a.W));

    private static float ZeroPlus(float a) => a == 0f ? 0f : a;
}
