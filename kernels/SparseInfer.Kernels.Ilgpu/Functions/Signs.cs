using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Packed signs, compared.</summary>
public static class Signs
{
    /// <summary>Counts the signs in which 128 columns of an input differ from those of four rows.</summary>
    /// <param name="x">The input's.</param>
    /// <param name="a">The first row's.</param>
    /// <param name="b">The second row's.</param>
    /// <param name="c">The third row's.</param>
    /// <param name="d">The fourth row's.</param>
    /// <param name="counts">What is added to: a count for each row.</param>
    public static Int4 Disagreeing(Words4 x, Words4 a, Words4 b, Words4 c, Words4 d, Int4 counts) => new(
        counts.X + Disagreeing(x, a), counts.Y + Disagreeing(x, b), counts.Z + Disagreeing(x, c), counts.W + Disagreeing(x, d));

    private static int Disagreeing(Words4 x, Words4 w) =>
        IntrinsicMath.PopCount(x.X ^ w.X) + IntrinsicMath.PopCount(x.Y ^ w.Y) + IntrinsicMath.PopCount(x.Z ^ w.Z) + IntrinsicMath.PopCount(x.W ^ w.W);
}
